/* SPDX-License-Identifier: Apache-2.0 */
/* A pidfd on a container's init: what is signalled through, and what tells of its end. */
#pragma once

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct aim {
	int pidfd; /* -1: not taken */
	struct event *ended;
};

void aim_init(struct aim *aim);

/* Opens the pidfd, unless it is open. To be verified afterwards: see agent/safety_checks.h. */
int aim_take(struct aim *aim, pid_t pid, struct error *error);

/* Has `on_ended` called when that process ends. Best effort: its exit record comes in any case. */
void aim_await(struct aim *aim, struct event_base *base, event_callback_fn on_ended, void *context);

/* 0, or a negative errno: it is dead, and its exit is on the way. */
int aim_signal(const struct aim *aim, int signal);

void aim_drop(struct aim *aim);
