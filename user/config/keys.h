/* SPDX-License-Identifier: Apache-2.0 */
/* Maps with known keys: a table says what each means, and what is not in it is an error. */
#pragma once

#include "config/tree.h"

struct key_row {
	const char *name; /* NULL ends the table */
	/* Takes the value into `target`. 0, or a negative errno with the reason in the report. */
	int (*take)(const struct report *report, const struct tree *value, int index, void *target);
	int index; /* for what several rows have in common */
};

/*
 * Takes each key of the map into `target` by its row, in the order of the table. `what` is what the
 * messages call the map. A null is an empty map. An unknown key names the nearest known one, or all
 * of them; it is reported before any row is taken.
 */
int keys_take(const struct report *report, const struct tree *map, const char *what,
	      const struct key_row *rows, void *target);

/* Which of the words (ended by NULL) the text is; if none, reported as keys are. -EINVAL or >= 0. */
int keys_find_word(const struct report *report, const struct tree *text, const char *what,
		   const char *const *words);
