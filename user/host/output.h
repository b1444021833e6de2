/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A standard stream that is written to without ever blocking, for a process with an event loop: a reader
 * that is slow, or stopped, must not stop the writer. What the stream does not take is kept, up to a
 * bound, and written when it takes more; lines beyond the bound are dropped and counted.
 *
 * The descriptor's flags stay as they are: O_NONBLOCK would hold for every process that shares the open
 * file description, such as the shell. A pipe or terminal is opened once more through /proc/self/fd
 * instead, a socket is written to with MSG_DONTWAIT, and a regular file is just written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum output_kind {
	OUTPUT_PLAIN,  /* a regular file, or what else does not wait for a reader */
	OUTPUT_OPENED, /* a description of our own with O_NONBLOCK */
	OUTPUT_SOCKET,
	OUTPUT_POLLED, /* it could not be opened again: written in small pieces, when poll permits */
};

struct output {
	int fd; /* what is written to, and waited for */
	enum output_kind kind;
	bool is_ours; /* fd is to be closed */
	size_t max;   /* bytes kept at most */
	struct buf kept;
	size_t written;	      /* of what is kept */
	uint64_t dropped;     /* lines, since the beginning */
	uint64_t dropped_now; /* since output_take_dropped */
};

/* Takes the descriptor, which must stay open. Nothing fails: at worst it is written to when poll permits. */
void output_init(struct output *output, int fd, size_t max);
void output_done(struct output *output);

/* Whole lines. 0: written, kept, or dropped and counted. A negative errno: the stream takes no more. */
int output_write(struct output *output, const char *lines, size_t len);

/* Is anything kept that waits for the stream to be writable? */
bool output_is_waiting(const struct output *output);

/* Writes what the stream takes now; errors of output_write, after which nothing is kept. */
int output_flush(struct output *output);

/* The same until all is written, or until that much time has passed. */
void output_flush_for(struct output *output, uint64_t ms);

/* Lines dropped since the last call, once nothing is waiting any more; 0 until then. */
uint64_t output_take_dropped(struct output *output);
