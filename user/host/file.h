/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of the kernel, read whole. */
#pragma once

#include <stddef.h>

/*
 * Reads at most size - 1 bytes and ends them with NUL. Gives the length (a file of NUL-separated
 * strings is longer than strlen says), -EFBIG if there is more, or another negative errno.
 */
int file_read(const char *path, char *ret_text, size_t size);

/* As file_read, but what does not fit is left unread. */
int file_read_cut(const char *path, char *ret_text, size_t size);

/*
 * As file_read_cut, but with one read(2) and none to see the end: for a file of /proc or cgroupfs that
 * tells of one thing, which the kernel gives whole, as far as there is room.
 */
int file_read_once(const char *path, char *ret_text, size_t size);
