// SPDX-License-Identifier: Apache-2.0
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "config/keys.h"

#define YEAR_NS (UINT64_C(365) * 24 * 3600 * 1000000000)

const char *value_text(const struct report *report, const struct tree *value)
{
	if (value->kind == TREE_TEXT && !value->is_null && *value->text)
		return value->text;
	if (value->kind == TREE_TEXT)
		(void)report_at(report, value->place, "a value is missing");
	else
		(void)report_at(report, value->place, "one value belongs here, not a %s",
				value->kind == TREE_LIST ? "list" : "map");
	return NULL;
}

const char *value_path(const struct report *report, const struct tree *value, size_t size)
{
	const char *path = value_text(report, value);

	if (!path)
		return NULL;
	if (path[0] == '/' && strlen(path) < size)
		return path;
	if (path[0] != '/')
		(void)report_at(report, value->place, "'%.60s': give a path from the root", path);
	else
		(void)report_at(report, value->place, "a path of %zu bytes; %zu are possible",
				strlen(path), size - 1);
	return NULL;
}

int value_word(const struct report *report, const struct tree *value, const char *const *words,
	       int *ret_index)
{
	int found;

	if (!value_text(report, value))
		return -EINVAL;
	found = keys_find_word(report, value, "value", words);
	if (found < 0)
		return found;
	*ret_index = found;
	return 0;
}

int value_bool(const struct report *report, const struct tree *value, bool *ret_value)
{
	static const char *const words[] = {"false", "true", NULL};
	int index, err = value_word(report, value, words, &index);

	if (!err)
		*ret_value = index;
	return err;
}

int value_number(const struct report *report, const struct tree *value, uint64_t lowest,
		 uint64_t highest, uint64_t *ret_number)
{
	const char *text = value_text(report, value);
	uint64_t number;
	char *end;

	if (!text)
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || number < lowest || number > highest)
		return report_at(report, value->place,
				 "'%.60s' is no whole number from %" PRIu64 " to %" PRIu64, text,
				 lowest, highest);
	*ret_number = number;
	return 0;
}

int value_duration(const struct report *report, const struct tree *value, uint64_t *ret_ns)
{
	const char *text = value_text(report, value);
	uint64_t ns;
	int err;

	if (!text)
		return -EINVAL;
	err = duration_parse(text, &ns);
	if (err == -ERANGE || (!err && ns > YEAR_NS))
		return report_at(report, value->place, "'%.60s' is longer than a year", text);
	if (err)
		return report_at(report, value->place,
				 "'%.60s' is no duration; write one like 500ms, 2s or 1m30s", text);
	*ret_ns = ns;
	return 0;
}

int value_replace(const struct report *report, char **string, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return report_no_memory(report);
	free(*string);
	*string = copy;
	return 0;
}

int value_each(const struct report *report, const struct tree *value,
	       int (*take)(const struct report *report, const struct tree *item, void *target),
	       void *target)
{
	int err = 0;

	if (value->kind != TREE_LIST)
		return take(report, value, target);
	for (size_t i = 0; i < value->count && !err; i++)
		err = take(report, &value->items[i], target);
	return err;
}

int value_each_of_some(const struct report *report, const struct tree *value,
		       int (*take)(const struct report *report, const struct tree *item,
				   void *target),
		       void *target)
{
	if (value->kind == TREE_LIST && !value->count)
		return report_at(report, value->place,
				 "an empty list: name at least one, or leave the key out");
	return value_each(report, value, take, target);
}

int value_append(const struct report *report, char ***strings, const char *text)
{
	size_t count = 0;
	char **grown;

	while (*strings && (*strings)[count])
		count++;
	grown = reallocarray(*strings, count + 2, sizeof(*grown));
	if (!grown)
		return report_no_memory(report);
	*strings = grown;
	grown[count + 1] = NULL;
	grown[count] = strdup(text);
	return grown[count] ? 0 : report_no_memory(report);
}
