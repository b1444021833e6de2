/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where sandboxes that were started with `lastout gvisor-config`'s configuration connect to. The one who
 * connects is runsc, and it waits for the answer for ever: it gets it at once.
 */
#pragma once

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct gvisor_listener;

/*
 * A sandbox, the process `pid`, has sent its first message, which can be read from `fd`: the
 * callback's from now on.
 */
typedef void (*gvisor_connected_fn)(void *context, int fd, pid_t pid);

/* The socket is made at `path`, for root only; one that nobody listens on is replaced. */
int gvisor_listener_new(struct event_base *base, const char *path, gvisor_connected_fn on_connected,
			void *context, struct gvisor_listener **ret_listener, struct error *error);
/* Removes the socket. Connections that have sent nothing yet are closed. */
void gvisor_listener_free(struct gvisor_listener *listener);

/* Connections that were closed for what they sent. */
uint64_t gvisor_listener_refused(const struct gvisor_listener *listener);
