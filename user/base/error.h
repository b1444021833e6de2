/* SPDX-License-Identifier: Apache-2.0 */
/* A failure in words: the thing, the reason, the remedy. Carried up to the one who prints it. */
#pragma once

struct error {
	char text[512];
};

/* Sets the text and returns `err` (a negative errno), so that it can stand in a return. */
int error_set(struct error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
