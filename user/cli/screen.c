// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What every terminal of today understands; a terminfo library would be needed for the others. */
#define SCREEN_OTHER	"\x1b[?1049h"
#define SCREEN_USUAL	"\x1b[?1049l"
#define CURSOR_OFF	"\x1b[?25l"
#define CURSOR_ON	"\x1b[?25h"
#define CURSOR_HOME	"\x1b[H"
#define WRAP_OFF	"\x1b[?7l" /* lines that are too long end at the edge */
#define WRAP_ON		"\x1b[?7h"
#define CLEAR_LINE_REST "\x1b[K"
#define CLEAR_BELOW	"\x1b[J"

enum { SCREEN_ROWS_USUAL = 24 };

void screen_enter(struct buf *out)
{
	buf_puts(out, SCREEN_OTHER CURSOR_OFF WRAP_OFF);
}

void screen_leave(struct buf *out)
{
	buf_puts(out, WRAP_ON CURSOR_ON SCREEN_USUAL);
}

static unsigned rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return SCREEN_ROWS_USUAL;
	return size.ws_row;
}

void screen_put(struct buf *out, const struct buf *text)
{
	const char *line = text->data ? text->data : "";
	unsigned left = rows();

	buf_puts(out, CURSOR_HOME);
	for (const char *end; left && *line; line = end, left--) {
		end = strchrnul(line, '\n');
		buf_append(out, line, (size_t)(end - line));
		buf_puts(out, CLEAR_LINE_REST);
		if (!*end)
			break;
		end++;
		/* Not after the last one, which would move all of them up. */
		if (left > 1 && *end)
			buf_putc(out, '\n');
	}
	buf_puts(out, CLEAR_BELOW);
}
