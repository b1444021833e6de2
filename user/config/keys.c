// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/nearest.h"

enum { KEYS_MAX = 32 };

static int fail_unknown(const struct report *report, const struct tree *text, const char *what,
			const char *const *words, size_t count)
{
	const char *nearest = nearest_word(text->text, words, count);
	struct buf all = {0};
	int err;

	if (nearest)
		return report_at(report, text->place, "unknown %s '%.60s'; did you mean '%s'?",
				 what, text->text, nearest);
	for (size_t i = 0; i < count; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
	err = report_at(report, text->place, "unknown %s '%.60s'; there are: %s", what, text->text,
			all.failed ? "" : all.data);
	buf_done(&all);
	return err;
}

int keys_find_word(const struct report *report, const struct tree *text, const char *what,
		   const char *const *words)
{
	size_t count = 0;

	for (; words[count]; count++)
		if (strcmp(words[count], text->text) == 0)
			return (int)count;
	return fail_unknown(report, text, what, words, count);
}

static int check_known(const struct report *report, const struct tree *map, const char *what,
		       const struct key_row *rows)
{
	const char *words[KEYS_MAX] = {0};
	char text[64];
	int found = 0;

	for (size_t i = 0; i < KEYS_MAX - 1 && rows[i].name; i++)
		words[i] = rows[i].name;
	(void)snprintf(text, sizeof(text), "key of %s", what);
	for (size_t i = 0; i < map->count && found >= 0; i++)
		found = keys_find_word(report, &map->keys[i], text, words);
	return found < 0 ? found : 0;
}

int keys_take(const struct report *report, const struct tree *map, const char *what,
	      const struct key_row *rows, void *target)
{
	int err = 0;

	if (map->is_null)
		return 0;
	if (map->kind != TREE_MAP)
		return report_at(report, map->place, "%s is a map: write KEY: VALUE", what);
	err = check_known(report, map, what, rows);
	for (const struct key_row *row = rows; !err && row->name; row++) {
		const struct tree *value = tree_find(map, row->name);

		if (value)
			err = row->take(report, value, row->index, target);
	}
	return err;
}
