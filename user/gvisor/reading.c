// SPDX-License-Identifier: Apache-2.0
#include "gvisor/reading.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "gvisor/reply.h"
#include "gvisor/request.h"

struct gvisor_reading {
	struct event_base *base;
	struct gvisor_endpoint endpoint;
	struct gvisor_question *questions;
	struct gvisor_listing *listings;
	size_t count, asked;
	bool is_light;
	struct gvisor_call *call;
	gvisor_reading_fn on_read;
	void *context;
};

void gvisor_reading_free(struct gvisor_reading *reading)
{
	if (!reading)
		return;
	gvisor_call_free(reading->call);
	for (size_t i = 0; reading->listings && i < reading->count; i++)
		gvisor_listing_done(&reading->listings[i]);
	free(reading->listings);
	free(reading->questions);
	free(reading);
}

static void answer(struct gvisor_reading *reading, int err)
{
	reading->on_read(reading->context, err, reading->questions, reading->listings,
			 reading->count);
	gvisor_reading_free(reading);
}

static int call(struct gvisor_reading *reading, struct buf *request, size_t reply_size,
		gvisor_call_fn on_reply)
{
	struct gvisor_call_options options = {.endpoint = reading->endpoint,
					      .request = request->data,
					      .fd = -1,
					      .reply_size = reply_size,
					      .on_reply = on_reply,
					      .context = reading};
	int err = request->failed ? -ENOMEM :
				    gvisor_call_start(reading->base, &options, &reading->call);

	buf_done(request);
	return err;
}

static void on_dump(void *context, int err, const char *reply, size_t len)
{
	struct gvisor_reading *reading = context;
	struct error error;

	reading->call = NULL;
	if (!err)
		err = gvisor_reply_dump(reply, len, reading->listings, reading->count, &error);
	answer(reading, err);
}

static bool needs_dump(const struct gvisor_reading *reading)
{
	size_t members = 0;

	for (size_t i = 0; i < reading->count; i++)
		members += reading->listings[i].count;
	if (reading->is_light && members > GVISOR_LIGHT_MEMBERS)
		return false;
	for (size_t i = 0; i < reading->count; i++)
		if (gvisor_listing_needs_dump(&reading->listings[i], reading->questions[i].init))
			return true;
	return false;
}

static int ask_next(struct gvisor_reading *reading);

static void on_processes(void *context, int err, const char *reply, size_t len)
{
	struct gvisor_reading *reading = context;
	size_t at = reading->asked++;
	struct error error;

	reading->call = NULL;
	if (!err)
		reading->questions[at].err = gvisor_reply_processes(reply, len,
								    &reading->listings[at], &error);
	if (!err && reading->asked < reading->count) {
		err = ask_next(reading);
	} else if (!err && needs_dump(reading)) {
		struct buf request = {0};

		gvisor_request_dump(&request);
		err = call(reading, &request, GVISOR_DUMP_SIZE, on_dump);
	}
	if (!reading->call)
		answer(reading, err);
}

static int ask_next(struct gvisor_reading *reading)
{
	struct buf request = {0};

	gvisor_request_processes(&request, reading->questions[reading->asked].id);
	return call(reading, &request, GVISOR_REPLY_SIZE, on_processes);
}

int gvisor_reading_start(struct event_base *base, const struct gvisor_endpoint *endpoint,
			 struct gvisor_question *questions, size_t count, bool is_light,
			 gvisor_reading_fn on_read, void *context,
			 struct gvisor_reading **ret_reading)
{
	struct gvisor_reading *reading = calloc(1, sizeof(*reading));
	int err;

	if (!reading) {
		free(questions);
		return -ENOMEM;
	}
	reading->base = base;
	reading->endpoint = *endpoint;
	reading->questions = questions;
	reading->count = count;
	reading->is_light = is_light;
	reading->on_read = on_read;
	reading->context = context;
	reading->listings = calloc(count, sizeof(*reading->listings));
	err = reading->listings && count ? ask_next(reading) : -ENOMEM;
	if (err) {
		gvisor_reading_free(reading);
		return err;
	}
	*ret_reading = reading;
	return 0;
}
