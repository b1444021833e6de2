/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the file, and where in it. The first thing that is wrong ends the reading. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Counted from 1, a column for each character. */
struct place {
	size_t line;
	size_t column;
};

struct report {
	const char *file;
	struct error *error;
	char ***warnings; /* what is taken, but better written otherwise: ended by NULL, owned */
};

/* Sets `FILE:LINE:COLUMN: text` and returns -EINVAL. */
int report_at(const struct report *report, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds `FILE:LINE:COLUMN: text` to the warnings. 0 or -ENOMEM. */
int report_warn(const struct report *report, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets `FILE: out of memory` and returns -ENOMEM. */
int report_no_memory(const struct report *report);
