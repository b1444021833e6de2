/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: a file of lines, read one at a time, however long the file is. It may have been cut,
 * mixed with something else, or made to break its reader.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { RECORDING_LINE_MAX = 64 * 1024 }; /* ours are below 8 KiB, even with hostile names */

struct recording {
	FILE *file; /* the caller's */
	char *line; /* owned */
	size_t len;
	uint64_t number; /* of the line read last, from 1 */
	bool is_cut;	 /* that line has no newline: the recording ends in the middle of it */
};

/* 0 or -ENOMEM. recording_done leaves the file open. */
int recording_init(struct recording *recording, FILE *file);
void recording_done(struct recording *recording);

/*
 * 1: a line, without its newline and ended by a NUL; it may have NULs inside. 0: the end. -EMSGSIZE:
 * the line is too long, and was passed over. Another negative errno: the file cannot be read.
 */
int recording_next(struct recording *recording);
