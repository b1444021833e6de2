// SPDX-License-Identifier: Apache-2.0
#include "cli/run_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
	/* Outcomes are few, and the record of what was done: they are kept longer. */
	RUN_OUTCOMES_BYTES = 4 << 20,
	RUN_LOG_BYTES = 256 << 10,
	RUN_LAST_FLUSH_MS = 1000,
};

static void say_dropped(struct run_stream *stream)
{
	uint64_t dropped = output_take_dropped(&stream->output);
	struct log_line line;

	if (!dropped)
		return;
	log_begin(&line, LOG_LEVEL_WARN, "dropped",
		  "lines were dropped: no process read them in time");
	log_string(&line, "stream", stream->name);
	log_uint(&line, "lines", dropped);
	log_end(&line);
}

static void wait_until_writable(struct run_stream *stream)
{
	if (stream->writable && output_is_waiting(&stream->output) &&
	    !event_pending(stream->writable, EV_WRITE, NULL))
		(void)event_add(stream->writable, NULL); /* tried again with the next line */
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct run_stream *stream = context;

	(void)fd;
	(void)what;
	/* A stream that takes no more: the next line's write says so. */
	(void)output_flush(&stream->output);
	say_dropped(stream);
	wait_until_writable(stream);
}

/* For log.c. Where stderr takes no more, there is no place left to say it. */
static void write_log(void *context, const char *line, size_t len)
{
	struct run_stream *stream = context;

	(void)output_write(&stream->output, line, len);
	wait_until_writable(stream);
}

void run_output_init(struct run_output *output)
{
	output_init(&output->outcomes.output, STDOUT_FILENO, RUN_OUTCOMES_BYTES);
	output_init(&output->log.output, STDERR_FILENO, RUN_LOG_BYTES);
	output->outcomes.name = "standard output";
	output->log.name = "standard error";
	log_set_writer(write_log, &output->log);
}

static struct event *make_event(struct run_stream *stream, struct event_base *base)
{
	stream->writable = event_new(base, stream->output.fd, EV_WRITE, on_writable, stream);
	wait_until_writable(stream);
	return stream->writable;
}

int run_output_start(struct run_output *output, struct event_base *base, struct error *error)
{
	if (!make_event(&output->outcomes, base) || !make_event(&output->log, base))
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	return 0;
}

static void drop_event(struct run_stream *stream)
{
	if (stream->writable)
		event_free(stream->writable);
	stream->writable = NULL;
}

void run_output_stop(struct run_output *output)
{
	drop_event(&output->outcomes);
	drop_event(&output->log);
}

void run_output_outcome(struct run_output *output, const struct buf *line)
{
	int err = line->failed ? -ENOMEM :
				 output_write(&output->outcomes.output, line->data, line->len);
	struct log_line log;

	wait_until_writable(&output->outcomes);
	if (!err)
		return;
	/* The container is finished all the same. */
	log_begin(&log, LOG_LEVEL_ERROR, "output", "an outcome could not be written to stdout");
	log_string(&log, "error", strerror(-err));
	log_end(&log);
}

void run_output_done(struct run_output *output)
{
	output_flush_for(&output->outcomes.output, RUN_LAST_FLUSH_MS);
	say_dropped(&output->outcomes);
	output_flush_for(&output->log.output, RUN_LAST_FLUSH_MS);
	say_dropped(&output->log);
	output_flush_for(&output->log.output, 0);
	log_set_writer(NULL, NULL);
	output_done(&output->outcomes.output);
	output_done(&output->log.output);
}
