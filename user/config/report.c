// SPDX-License-Identifier: Apache-2.0
#include "config/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int add_warning(char ***warnings, const char *text)
{
	size_t count = 0;
	char **grown;

	while (*warnings && (*warnings)[count])
		count++;
	grown = reallocarray(*warnings, count + 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*warnings = grown;
	grown[count + 1] = NULL;
	grown[count] = strdup(text);
	return grown[count] ? 0 : -ENOMEM;
}

int report_warn(const struct report *report, struct place place, const char *format, ...)
{
	char text[sizeof(report->error->text)];
	struct error warning;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	(void)error_set(&warning, 0, "%.*s:%zu:%zu: %s", REPORT_FILE_MAX, report->file, place.line,
			place.column, text);
	return add_warning(report->warnings, warning.text) ? report_no_memory(report) : 0;
}
