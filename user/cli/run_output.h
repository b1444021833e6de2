/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where `run` writes: outcomes to stdout, the log to stderr. Neither ever blocks; the loop writes what a
 * slow reader has left.
 */
#pragma once

#include <event2/event.h>

#include "base/error.h"
#include "host/output.h"

struct run_stream {
	struct output output;
	struct event *writable; /* NULL until the loop is there */
	const char *name;
};

struct run_output {
	struct run_stream outcomes;
	struct run_stream log;
};

/* Has the log go this way, too. */
void run_output_init(struct run_output *output);

/* From now on the loop writes what is kept. */
int run_output_start(struct run_output *output, struct event_base *base, struct error *error);
/* Before the loop goes. */
void run_output_stop(struct run_output *output);

/* An outcome, as a line. Logs an error. */
void run_output_outcome(struct run_output *output, const struct buf *line);

/* Gives the readers a last moment, no longer. */
void run_output_done(struct run_output *output);
