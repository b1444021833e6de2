/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace session of our own in a running sandbox, with one end of a socket pair of ours: nobody has to
 * connect anywhere, and its end of the pair belongs to that sandbox alone.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "base/error.h"
#include "gvisor/control.h"

struct gvisor_attach;

struct gvisor_attach_handler {
	/* There is a session: does nobody listen to it any more? Then it is replaced. */
	bool (*is_session_dead)(void *context);
	/*
	 * 0: events come on `fd`, the callee's from now on. -EEXIST: there is a session of somebody
	 * else's. Others: `error` says why.
	 */
	void (*on_attached)(void *context, int err, int fd, const struct error *error);
	void *context;
};

/* 0: answers once, later, unless freed before, and frees itself then. -errno. */
int gvisor_attach_start(struct event_base *base, const struct gvisor_endpoint *endpoint,
			const struct gvisor_attach_handler *handler,
			struct gvisor_attach **ret_attach);
void gvisor_attach_free(struct gvisor_attach *attach);
