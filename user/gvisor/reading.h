/* SPDX-License-Identifier: Apache-2.0 */
/* One reading of a sandbox's process lists: those of some containers, and the dump if it is needed. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "gvisor/control.h"
#include "gvisor/table.h"

enum { GVISOR_LIGHT_MEMBERS = 32 }; /* a dump of more is long */

struct gvisor_reading;

struct gvisor_question {
	char id[GVISOR_ID_SIZE]; /* of the container */
	pid_t init;		 /* 0: not known */
	int err;		 /* of the answer: why there is none for this container */
};

/*
 * err: nothing could be asked, as gvisor_call_fn has it. A list for each question, for the length of the
 * call.
 */
typedef void (*gvisor_reading_fn)(void *context, int err, const struct gvisor_question *questions,
				  const struct gvisor_listing *listings, size_t count);

/*
 * `is_light`: without the dump where it would be long; who is listed is alive, then. Takes over the questions, at least one, in an array that can be freed; also on failure. 0: answers once, later, unless
 * freed before, and frees itself then. -ENOMEM, or as gvisor_call_start.
 */
int gvisor_reading_start(struct event_base *base, const struct gvisor_endpoint *endpoint,
			 struct gvisor_question *questions, size_t count, bool is_light,
			 gvisor_reading_fn on_read, void *context,
			 struct gvisor_reading **ret_reading);
void gvisor_reading_free(struct gvisor_reading *reading);
