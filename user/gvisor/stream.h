/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox's trace session, read: packets from its socket to events. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "gvisor/wire.h"

struct gvisor_stream;

struct gvisor_stream_handler {
	/* Other than GVISOR_FITS: it does not fit, and the stream ends for it. */
	enum gvisor_fault (*on_event)(void *context, const struct gvisor_event *event);
	/* The end: for a fault, or because the other side closed it (GVISOR_FITS). May free the stream. */
	void (*on_end)(void *context, enum gvisor_fault fault);
	void *context;
};

/* Takes over the descriptor, also on failure. -ENOMEM or 0. */
int gvisor_stream_new(struct event_base *base, int fd, const struct gvisor_stream_handler *handler,
		      struct gvisor_stream **ret_stream);
void gvisor_stream_free(struct gvisor_stream *stream);

/*
 * Reads all that was sent so far. False: the stream has ended (on_end was called), or more comes than can
 * be read.
 */
bool gvisor_stream_drain(struct gvisor_stream *stream);
