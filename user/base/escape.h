/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes bytes that a container controls (command names, environment, messages) safe to print:
 * no terminal control, no forged line, no text that shows in another order than it was written.
 * Own code because iconv and friends only convert; none marks what is unsafe on a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Decodes the UTF-8 sequence at s. Returns its length in bytes (1 to 4) and sets *ret_code_point,
 * which may be NULL; 0 when there is none: overlong, a surrogate, above U+10FFFF, cut off by len, a
 * stray byte, or len 0.
 */
size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret_code_point);

/* utf8_decode without the code point: bytes in the valid sequence at s, 0 if it is not one. */
size_t utf8_valid_length(const unsigned char *s, size_t len);

/*
 * Whether a code point acts on the output instead of showing in it: C0 and C1 controls, DEL, line and
 * paragraph separators, zero-width and bidirectional controls (also U+061C), the byte order mark.
 */
bool code_point_is_control(uint32_t code_point);

/*
 * Appends the bytes, with each byte of a control (see above) or of invalid UTF-8 as `\xNN`, newline,
 * tab and carriage return as `\n` `\t` `\r`, and a backslash as `\\`. Everything else passes. Failure
 * to allocate shows in out->failed.
 */
void escape_text(struct buf *out, const char *bytes, size_t len);

/*
 * For the value in key=value logs: as escape_text, bare where that is unambiguous. In double quotes,
 * with `"` as `\"`, when it is empty or contains a space, a quote, `=`, or anything that is escaped.
 */
void escape_quoted(struct buf *out, const char *bytes, size_t len);
