/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call over a sandbox's control socket: JSON in, JSON out, on a connection of its own that is
 * closed at once, because an idle one delays the sandbox's end by 15 s. Never blocks.
 */
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "source/gvisor_wire.h"

enum {
	GVISOR_CALL_MS = 3000, /* a call takes 0.2 ms; a sandbox that hangs is given so long */
	GVISOR_REPLY_SIZE = 1 << 20,
	/* The dump describes each process of the sandbox with its memory map. */
	GVISOR_DUMP_SIZE = 8 << 20,
};

/* Where a sandbox listens. */
struct gvisor_endpoint {
	char id[GVISOR_ID_SIZE]; /* the sandbox's */
	char *path; /* of its socket; NULL: the abstract name that older releases have. Owned */
};

/*
 * err 0: `result` is what the call returned, only during this call. -EREMOTEIO: the sandbox refused,
 * and `text` is why (its own words: to be escaped). Others: it could not be asked. -ENOENT or
 * -ECONNREFUSED: nobody listens. -ETIMEDOUT, -EFBIG, -EBADMSG, -ECONNRESET.
 */
typedef void (*gvisor_call_fn)(void *context, int err, const char *text, const json_t *result);

struct gvisor_call;

struct gvisor_call_options {
	struct event_base *base;
	const struct gvisor_endpoint *endpoint;
	const char *request;
	int fd; /* a copy goes along with the request; -1: none */
	unsigned timeout_ms;
	size_t reply_size; /* at most */
	gvisor_call_fn on_reply;
	void *context;
};

/* Always answers, later and once, by on_reply, unless freed before; frees itself then. 0 or -errno. */
int gvisor_call_start(const struct gvisor_call_options *options, struct gvisor_call **ret_call);
void gvisor_call_free(struct gvisor_call *call);

/* Bytes of the JSON value at the start of `text`: 0 if it is not whole yet. For what has no framing. */
struct gvisor_scan {
	size_t used;
	unsigned depth;
	bool is_string, is_escape, is_done;
};
bool gvisor_scan_is_whole(struct gvisor_scan *scan, const char *text, size_t len);
