/* SPDX-License-Identifier: Apache-2.0 */
/* The one event loop, ended by SIGINT or SIGTERM: the frame of `run`, `tail` and `demo`. */
#pragma once

#include <event2/event.h>

#include "base/error.h"

struct loop {
	struct event_base *base;
	struct event *interrupt;
	struct event *terminate;
	struct event *hangup; /* NULL: not asked for */
	int ended_by;	      /* the signal that has ended it; 0: none */
};

/* 0 or a negative errno, with the reason in `error`. loop_done is due either way. */
int loop_init(struct loop *loop, struct error *error);

/* Ended by that signal as well; for one more only. 0 or a negative errno. */
int loop_end_on(struct loop *loop, int signal, struct error *error);

void loop_done(struct loop *loop);
