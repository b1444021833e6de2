/* SPDX-License-Identifier: Apache-2.0 */
/* How far a JSON object reaches: replies come without framing, and in pieces. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All zeroes at the start of an object. */
struct gvisor_scan {
	size_t used; /* bytes looked at so far */
	unsigned depth;
	bool is_string;
	bool is_escape;
};

/*
 * Goes on where it stopped: `text` from its start, `len` bytes of it so far. True: the object ends with
 * byte used - 1. Whether it is JSON at all is for the parser to see.
 */
bool gvisor_scan_object(struct gvisor_scan *scan, const char *text, size_t len);

/* A member of an object; both point into it. */
struct gvisor_field {
	const char *key; /* between its quotes, escapes as they are */
	size_t key_len;
	const char *value;
	size_t value_len;
};

/*
 * The next member of an object of `len` bytes: *at is 0 before the first, and goes on. False: there is no
 * other, or what comes is no member.
 */
bool gvisor_scan_member(const char *object, size_t len, size_t *at, struct gvisor_field *ret_field);
