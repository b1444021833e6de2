/* SPDX-License-Identifier: Apache-2.0 */
/* The cells of tables for people: their padding, their colours, and what is written alike in all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CELL_COLOUR_OFF "\x1b[0m"

/* How many columns of a terminal the text takes, as far as plain UTF-8 tells. */
int cell_width(const char *text);

/*
 * Appends `text`, which is escaped already, padded to `width` (negative: to the left), and a space;
 * or, if it is the last of its line, a newline and no padding after it. `colour` NULL: none.
 */
void cell_put(struct buf *out, const char *text, int width, bool is_last, const char *colour);

/* Green for 0, yellow for another code, red for a signal; of a status as wait4 gives it. */
const char *cell_status_colour(int status);

/* `960K`, `1.5G` */
void cell_format_bytes(uint64_t bytes, char *buf, size_t size);

/* Hexadecimal ids are cut as docker does; names that people chose are not. */
size_t cell_short_id_length(const char *id);
