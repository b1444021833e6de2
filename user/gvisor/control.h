/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call over a sandbox's control socket, on a connection of its own that is closed at once: an idle
 * one delays the sandbox's end by 15 s. Never blocks.
 */
#pragma once

#include <event2/event.h>
#include <stddef.h>

#include "gvisor/wire.h"

enum {
	GVISOR_CALL_MS = 3000, /* a call takes 0.2 ms; a sandbox that hangs is given so long */
	GVISOR_REPLY_SIZE = 1 << 20,
	/* The dump describes each process of the sandbox, with its memory map. */
	GVISOR_DUMP_SIZE = 8 << 20,
};

/* Where a sandbox listens. */
struct gvisor_endpoint {
	const char *id;	  /* the sandbox's */
	const char *path; /* of its socket; NULL: the abstract name that older releases have */
};

struct gvisor_call;

/*
 * err 0: `reply` is one whole JSON object, for the length of this call. Others: -ECONNREFUSED nobody
 * listens there, or nothing is there (never -ENOENT: by that a removed container is told);
 * -ETIMEDOUT; -EFBIG; -ECONNRESET it was closed without an answer; ...
 */
typedef void (*gvisor_call_fn)(void *context, int err, const char *reply, size_t len);

struct gvisor_call_options {
	struct gvisor_endpoint endpoint;
	const char *request;
	int fd;		   /* goes along with the request, and stays the caller's; -1: none */
	size_t reply_size; /* at most */
	gvisor_call_fn on_reply;
	void *context;
};

/*
 * 0: answers once, later, unless freed before. When it answers it is freed already. -errno: it does not
 * answer.
 */
int gvisor_call_start(struct event_base *base, const struct gvisor_call_options *options,
		      struct gvisor_call **ret_call);
void gvisor_call_free(struct gvisor_call *call);

/* A last word, for when there is no loop any more: waits for the answer, 100 ms at most, and drops it. */
void gvisor_call_at_end(const struct gvisor_endpoint *endpoint, const char *request);
