// SPDX-License-Identifier: Apache-2.0
#include "out/cell.h"

#include <stdio.h>
#include <string.h>

#include "core/exit_status.h"

#define COLOUR_GREEN  "\x1b[32m"
#define COLOUR_YELLOW "\x1b[33m"
#define COLOUR_RED    "\x1b[31m"

enum { ID_SIZE = 64, SHORT_ID_SIZE = 12 };

int cell_width(const char *text)
{
	int width = 0;

	for (const char *c = text; *c; c++)
		width += ((unsigned char)*c & 0xc0) != 0x80;
	return width;
}

void cell_put(struct buf *out, const char *text, int width, bool is_last, const char *colour)
{
	int pad = (width < 0 ? -width : width) - cell_width(text);

	if (width > 0)
		buf_printf(out, "%*s", pad > 0 ? pad : 0, "");
	if (colour)
		buf_puts(out, colour);
	buf_puts(out, text);
	if (colour)
		buf_puts(out, CELL_COLOUR_OFF);
	if (width < 0 && !is_last)
		buf_printf(out, "%*s", pad > 0 ? pad : 0, "");
	buf_putc(out, is_last ? '\n' : ' ');
}

const char *cell_status_colour(int status)
{
	if (exit_status_signal(status))
		return COLOUR_RED;
	return status ? COLOUR_YELLOW : COLOUR_GREEN;
}

void cell_format_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = "BKMGT";
	unsigned unit = 0;
	double value = (double)bytes;

	while (value >= 1024 && unit + 1 < sizeof(units) - 1) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(buf, size, value < 10 && unit ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

size_t cell_short_id_length(const char *id)
{
	size_t len = strlen(id);

	return len == ID_SIZE && strspn(id, "0123456789abcdef") == len ? SHORT_ID_SIZE : len;
}
