/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of the configuration: read, checked, and complained about at their place. */
#pragma once

#include <stdint.h>

#include "config/tree.h"

/* Any text that is neither empty nor null; the tree's own. NULL: it is none, and the report says so. */
const char *value_text(const struct report *report, const struct tree *value);

/* A path from the root, shorter than `size` bytes; as value_text. */
const char *value_path(const struct report *report, const struct tree *value, size_t size);

/* All that follow: 0, or a negative errno with the reason in the report, and the output untouched. */

/* One of the words, ended by NULL: its index. */
int value_word(const struct report *report, const struct tree *value, const char *const *words,
	       int *ret_index);

/* `true` or `false`. */
int value_bool(const struct report *report, const struct tree *value, bool *ret_value);

int value_number(const struct report *report, const struct tree *value, uint64_t lowest,
		 uint64_t highest, uint64_t *ret_number);

/* Nanoseconds, a year at most, so that adding them to a clock overflows nothing. */
int value_duration(const struct report *report, const struct tree *value, uint64_t *ret_ns);

/* A copy of `text` in place of what is there. */
int value_replace(const struct report *report, char **string, const char *text);

/* Calls `take` for each item of a list, or for the one text that stands for a list of one. */
int value_each(const struct report *report, const struct tree *value,
	       int (*take)(const struct report *report, const struct tree *item, void *target),
	       void *target);

/* As value_each, where an empty list makes no sense. */
int value_each_of_some(const struct report *report, const struct tree *value,
		       int (*take)(const struct report *report, const struct tree *item,
				   void *target),
		       void *target);

/* Adds a copy to an array that is ended by NULL, and NULL while it is empty. */
int value_append(const struct report *report, char ***strings, const char *text);
