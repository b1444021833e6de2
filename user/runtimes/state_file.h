/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that runtimes leave in their state directories, opened so that no link leads out of the root
 * or out of the directory, and no FIFO or device holds the reader up.
 *
 * "Not there" and "could not be read" are different answers. Every failure of the second kind (EACCES,
 * ENOSYS, EPERM, EIO, EMFILE, ...) is noted here, where all state is opened, so that no reader further up
 * can lose it: state_unread_take returns the first one since state_unread_clear.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/identity.h"

void state_unread_clear(void);

/* True if something could not be read. */
bool state_unread_take(struct unread *ret_unread);

/* As above, and a file that is not regular, behind a link, or too large: the last of these. */
void state_unread_take_any(struct unread *ret_unread);

/* 0 if openat2 works here, or a negative errno: a seccomp filter may block it. */
int state_file_probe(void);

/*
 * Opens the directory; links on the way count as if `root` were `/`. An administrator may have put
 * one there, so they are followed. A descriptor, or a negative errno.
 */
int state_dir_open(const char *root, const char *dir);

/* Opens a directory below another one, reached without any link. */
int state_dir_open_below(int dir, const char *path);

/* Is there a directory of this name below, reached without any link? Failures are noted. */
bool state_dir_has(int dir, const char *path);

/* Opens a regular file below, in the same way. A descriptor, or errors of state_file_read. */
int state_file_open(int dir, const char *path);

/*
 * Reads a regular file below the directory, reached without any link; *ret_text is the caller's to
 * free and ended by NUL. -ENOENT: not there. -EAGAIN: it grows just now. -EFBIG: more than max.
 * -EBADMSG: not a regular file, or behind a link. Any other errno: it could not be read.
 */
int state_file_read(int dir, const char *path, size_t max, char **ret_text, size_t *ret_len);

/* An id that may stand in a path: runc's rule, and no dot in front. */
bool state_id_is_valid(const char *id);

/* As engines draw them: 64 hex digits, which no two containers share. */
bool state_id_is_generated(const char *id);

/*
 * Calls `visit` with the name of each entry that could be an id, a bounded number; it ends with false.
 * Failures are noted.
 */
typedef bool (*state_dir_visit_fn)(void *context, const char *name);
void state_dir_scan(int dir, state_dir_visit_fn visit, void *context);
