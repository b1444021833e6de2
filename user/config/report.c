// SPDX-License-Identifier: Apache-2.0
#include "config/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* So that a long path leaves room for what is wrong. */
enum { REPORT_FILE_MAX = 200 };

int report_at(const struct report *report, struct place place, const char *format, ...)
{
	char text[sizeof(report->error->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	return error_set(report->error, -EINVAL, "%.*s:%zu:%zu: %s", REPORT_FILE_MAX, report->file,
			 place.line, place.column, text);
}

int report_no_memory(const struct report *report)
{
	return error_set(report->error, -ENOMEM, "%.*s: out of memory", REPORT_FILE_MAX,
			 report->file);
}
