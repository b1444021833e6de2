// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_CAP_MIN 64

/* Makes room for n more bytes and the NUL. Doubles, so that appending costs constant time a byte. */
static bool buf_reserve(struct buf *b, size_t n)
{
	size_t needed, cap = b->cap ? b->cap : BUF_CAP_MIN;
	char *data;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->len, n, &needed) || needed > SIZE_MAX / 2 - 1) {
		b->failed = true;
		return false;
	}
	needed++;
	if (needed <= b->cap)
		return true;
	while (cap < needed)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void buf_append(struct buf *b, const void *bytes, size_t n)
{
	if (!buf_reserve(b, n))
		return;
	if (n) /* memcpy may not be given NULL, not even for nothing */
		memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list measured;
	int n;

	va_copy(measured, args);
	n = vsnprintf(NULL, 0, format, measured);
	va_end(measured);
	if (n < 0)
		b->failed = true;
	else if (buf_reserve(b, (size_t)n))
		b->len += (size_t)vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf){0};
}
