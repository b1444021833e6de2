// SPDX-License-Identifier: Apache-2.0
#include "gvisor/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "gvisor/request.h"
#include "gvisor/sandbox_private.h"

const char *gvisor_mode_name(enum gvisor_mode mode)
{
	switch (mode) {
	case GVISOR_ATTACHING:
		return "attaching";
	case GVISOR_EVENTS:
		return "events";
	case GVISOR_POLLED:
		return "polled";
	case GVISOR_BLIND:
		return "blind";
	case GVISOR_GONE:
		return "gone";
	}
	return "unknown";
}

void sandbox_set_mode(struct gvisor_sandbox *sandbox, enum gvisor_mode mode, const char *reason)
{
	if (sandbox->mode == mode && strcmp(sandbox->reason, reason) == 0)
		return;
	sandbox->mode = mode;
	(void)snprintf(sandbox->reason, sizeof(sandbox->reason), "%s", reason);
	sandbox->observer.on_mode(sandbox->observer.context, sandbox);
}

void sandbox_set_time(struct gvisor_sandbox *sandbox)
{
	uint64_t now_ns = clock_boot_ns();

	gvisor_table_set_time(sandbox->table, now_ns, clock_boot_to_unix_ns(now_ns) - now_ns);
}

void sandbox_tick_in(struct gvisor_sandbox *sandbox, unsigned ms)
{
	struct timeval delay = {ms / 1000, ms % 1000 * 1000L};

	(void)evtimer_add(sandbox->tick, &delay); /* of a valid timer: cannot fail */
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct gvisor_sandbox *sandbox = context;

	(void)fd;
	(void)what;
	if (sandbox->mode == GVISOR_EVENTS && !sandbox->stream) {
		sandbox_set_mode(sandbox, GVISOR_ATTACHING, "its trace session has ended");
		sandbox_attach(sandbox);
	} else if (sandbox->mode == GVISOR_EVENTS) {
		sandbox_tick_in(sandbox, sandbox->check_ms);
		sandbox_read_again(sandbox);
	} else if (sandbox->mode == GVISOR_POLLED) {
		sandbox_tick_in(sandbox, sandbox->poll_ms);
		sandbox_read_again(sandbox);
		sandbox_attach_again(sandbox);
	} else {
		sandbox_attach(sandbox);
	}
}

/* The process is dead: nothing more will come, and what came is read. */
static void on_end(evutil_socket_t fd, short what, void *context)
{
	struct gvisor_sandbox *sandbox = context;

	(void)fd;
	(void)what;
	sandbox->mode = GVISOR_GONE; /* before the stream's own end is told */
	if (sandbox->stream)
		(void)gvisor_stream_drain(sandbox->stream);
	(void)event_del(sandbox->end);
	(void)event_del(sandbox->tick);
	(void)event_del(sandbox->soon);
	sandbox_set_time(sandbox);
	gvisor_table_end(sandbox->table);
	sandbox_fail_verifies(sandbox, -ESRCH);
	sandbox->observer.on_mode(sandbox->observer.context, sandbox);
	sandbox->observer.on_gone(sandbox->observer.context, sandbox);
}

static int prepare(struct gvisor_sandbox *sandbox, struct event_base *base,
		   const struct gvisor_sandbox_options *options)
{
	sandbox->base = base;
	sandbox->observer = options->observer;
	sandbox->poll_ms = options->poll_ms ? options->poll_ms : SANDBOX_POLL_MS;
	sandbox->check_ms = options->check_ms ? options->check_ms : SANDBOX_CHECK_MS;
	sandbox->may_connect = options->may_connect;
	sandbox->endpoint.id = strdup(options->id);
	sandbox->removed = calloc(SANDBOX_REMOVED, sizeof(*sandbox->removed));
	if (!sandbox->endpoint.id || !sandbox->removed)
		return -ENOMEM;
	if (options->control_path) {
		sandbox->endpoint.path = strdup(options->control_path);
		if (!sandbox->endpoint.path)
			return -ENOMEM;
	}
	sandbox->end = event_new(base, sandbox->pidfd, EV_READ | EV_PERSIST, on_end, sandbox);
	sandbox->tick = evtimer_new(base, on_tick, sandbox);
	sandbox->soon = evtimer_new(base, sandbox_on_soon, sandbox);
	if (!sandbox->end || !sandbox->tick || !sandbox->soon)
		return -ENOMEM;
	return gvisor_table_new(options->helpers, &options->observer.containers, &sandbox->table);
}

int gvisor_sandbox_new(struct event_base *base, const struct gvisor_sandbox_options *options,
		       struct gvisor_sandbox **ret_sandbox)
{
	struct gvisor_sandbox *sandbox = calloc(1, sizeof(*sandbox));
	int err;

	if (!sandbox) {
		(void)close(options->pidfd);
		return -ENOMEM;
	}
	sandbox->pidfd = options->pidfd;
	err = prepare(sandbox, base, options);
	if (err) {
		gvisor_sandbox_free(sandbox);
		return err;
	}
	sandbox_set_time(sandbox);
	*ret_sandbox = sandbox;
	return 0;
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

/* Others may want to have one. If we are killed it stays, and is found to have no reader. */
static void end_session(struct gvisor_sandbox *sandbox)
{
	struct buf request = {0};

	if (!sandbox->stream || !sandbox->is_attached || sandbox->mode == GVISOR_GONE)
		return;
	gvisor_request_delete(&request);
	if (!request.failed)
		gvisor_call_at_end(&sandbox->endpoint, request.data);
	buf_done(&request);
}

void gvisor_sandbox_free(struct gvisor_sandbox *sandbox)
{
	if (!sandbox)
		return;
	end_session(sandbox);
	gvisor_attach_free(sandbox->attach);
	gvisor_stream_free(sandbox->stream);
	gvisor_reading_free(sandbox->reading);
	sandbox_free_verifies(sandbox);
	sandbox_free_signals(sandbox);
	gvisor_table_free(sandbox->table);
	free_event(sandbox->end);
	free_event(sandbox->tick);
	free_event(sandbox->soon);
	(void)close(sandbox->pidfd);
	free(sandbox->removed);
	free((char *)sandbox->endpoint.id);
	free((char *)sandbox->endpoint.path);
	free(sandbox);
}

static bool is_named(const struct gvisor_named *named, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(named[i].id, id) == 0)
			return true;
	return false;
}

static void remove_missing(struct gvisor_sandbox *sandbox, const struct gvisor_named *named,
			   size_t count)
{
	struct container *container = gvisor_table_next(sandbox->table, NULL);

	while (container) {
		struct container *next = gvisor_table_next(sandbox->table, container);

		if (!is_named(named, count, container->identity.id)) {
			sandbox_note_removed(sandbox, container->identity.id);
			sandbox_forget_verify(sandbox, container);
			sandbox_forget_signals(sandbox, container);
			gvisor_table_remove(sandbox->table, container);
		}
		container = next;
	}
}

int gvisor_sandbox_set_containers(struct gvisor_sandbox *sandbox, const struct gvisor_named *named,
				  size_t count)
{
	struct container *container;
	bool has_new = false;

	remove_missing(sandbox, named, count);
	for (size_t i = 0; i < count; i++) {
		int err = gvisor_table_add(sandbox->table, &named[i], &container);

		if (err == -ENOMEM)
			return err;
		has_new |= !err;
	}
	if (has_new && sandbox->mode != GVISOR_GONE)
		sandbox_read_in(sandbox, 0);
	return 0;
}

void gvisor_sandbox_start(struct gvisor_sandbox *sandbox)
{
	(void)event_add(sandbox->end, NULL); /* of a valid descriptor: cannot fail */
	/* First who is there: one who dies between that and the session is told nevertheless. */
	if (sandbox->mode == GVISOR_ATTACHING && !sandbox->stream && !sandbox->wants_reading)
		sandbox_attach(sandbox);
}

void gvisor_sandbox_take_events(struct gvisor_sandbox *sandbox, int fd)
{
	gvisor_attach_free(sandbox->attach);
	sandbox->attach = NULL;
	gvisor_stream_free(sandbox->stream);
	sandbox->stream = NULL;
	sandbox->is_attached = false;
	if (sandbox->is_refused || sandbox->mode == GVISOR_GONE) {
		(void)close(fd);
		return;
	}
	if (sandbox_open_stream(sandbox, fd) < 0)
		sandbox_attach_again(sandbox);
}

const char *gvisor_sandbox_id(const struct gvisor_sandbox *sandbox)
{
	return sandbox->endpoint.id;
}

enum gvisor_mode gvisor_sandbox_mode(const struct gvisor_sandbox *sandbox)
{
	return sandbox->mode;
}

const char *gvisor_sandbox_reason(const struct gvisor_sandbox *sandbox)
{
	return sandbox->reason;
}

const struct gvisor_stats *gvisor_sandbox_stats(const struct gvisor_sandbox *sandbox)
{
	return &sandbox->stats;
}

struct container *gvisor_sandbox_next(struct gvisor_sandbox *sandbox, struct container *container)
{
	return gvisor_table_next(sandbox->table, container);
}
