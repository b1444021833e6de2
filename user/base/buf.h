/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer for building output. Running out of memory is remembered in `failed` and
 * turns every later call into a no-op, so that a caller checks once, at the end.
 * Own code because libevent's evbuffer keeps chains, and output wants one NUL-terminated string.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * All zeroes is a valid empty buffer (`struct buf b = {0}`). `data` is NULL until something was
 * appended (also zero bytes), then always NUL-terminated; `len` does not count that NUL. After a
 * failure `data` and `len` keep what was there before the call that failed.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

/* Appends n bytes, which may contain NULs and may not lie inside the buffer itself. */
void buf_append(struct buf *b, const void *bytes, size_t n);

/* Appends a string without its NUL. */
void buf_puts(struct buf *b, const char *text);

/* Appends one byte. */
void buf_putc(struct buf *b, char c);

/* Appends formatted text, of any length. A format that cannot be printed sets `failed`. */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Empties the buffer and forgets a failure; keeps the memory for the next use. */
void buf_reset(struct buf *b);

/* Frees the memory and leaves an empty buffer that can be used again. NULL is fine. Does for
 * `_cleanup_(buf_done) struct buf b = {0};`. */
void buf_done(struct buf *b);
