/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the agent's socket and its reply, waited for. For commands, which do nothing else. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	CLIENT_BODY_BYTES_MAX = 64 << 20,
	CLIENT_LINE_BYTES_MAX = 1 << 20,
};

struct client_options {
	const char *path;
	int interrupt_fd; /* readable: whatever is waited for is given up, with -EINTR; -1: none */
	unsigned silence_ms; /* how long the agent may say nothing: -ETIMEDOUT; 0: for ever */
};

struct client;

/*
 * Sends a request without a body and awaits the first bytes of the reply. `target` is encoded
 * already. 0 or a negative errno, with a whole sentence in `error`; it names the socket and the
 * remedy.
 */
int client_open(const struct client_options *options, const char *method, const char *target,
		struct client **ret_client, struct error *error);

/* NULL is fine. */
void client_close(struct client *client);

/* The reply's, from 100 to 599. */
int client_status(const struct client *client);

/* Appends what is left of the reply. -EPROTO if the agent broke off, -EMSGSIZE; else as client_open. */
int client_read_body(struct client *client, struct buf *body, struct error *error);

/*
 * 1: *ret_line is the next line, without its end, until the next call. 0: there are no more. Else
 * as client_read_body.
 */
int client_read_line(struct client *client, const char **ret_line, struct error *error);

/* Appends text, encoded so that it is one part of a path, or a value of a query. */
void client_encode(struct buf *target, const char *text);
