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
