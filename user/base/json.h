/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer into a buffer: one line, no spaces, keys in the order of the calls.
 * Own code because jansson builds a tree first and refuses strings that are not valid UTF-8, and a
 * command name may be any bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Lives on the caller's stack; owns nothing, needs no cleanup. */
struct json {
	struct buf *out;
	unsigned depth;	 /* objects and arrays that are open */
	bool need_comma; /* the next key or value follows another one */
};

/* Starts a value at the end of `out`, which must outlive the writer. Failures show in out->failed. */
void json_init(struct json *j, struct buf *out);

/* Whether a value was begun and every object and array in it has been ended. */
bool json_is_complete(const struct json *j);

/*
 * In all that follow: key is the member's name inside an object, NULL inside an array and at the top.
 * The caller keeps begin and end in pairs; an end too many is ignored.
 */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);

/*
 * Strings, keys too, may be any bytes. Quotes, backslashes and C0 controls are escaped as JSON asks, other
 * controls (code_point_is_control: DEL, C1, bidirectional) as \uXXXX, and each byte that is not valid
 * UTF-8 becomes \ufffd. The output is always valid JSON and valid UTF-8. A NULL string gives null.
 */
void json_put_string(struct json *j, const char *key, const char *text);
void json_string_len(struct json *j, const char *key, const char *bytes, size_t len);

void json_int(struct json *j, const char *key, int64_t value);
void json_uint(struct json *j, const char *key, uint64_t value);
/* With so many digits after the point; not a number and infinity give null. The point is a point as
 * long as the program does not call setlocale. */
void json_double(struct json *j, const char *key, double value, unsigned decimals);
void json_bool(struct json *j, const char *key, bool value);
void json_put_null(struct json *j, const char *key);

/*
 * Inline, because jansson, which is linked to the same program, has functions of these names. For the
 * same reason no file can include both headers.
 */
static inline void json_string(struct json *j, const char *key, const char *text)
{
	json_put_string(j, key, text);
}

static inline void json_null(struct json *j, const char *key)
{
	json_put_null(j, key);
}
