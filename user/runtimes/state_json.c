// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/state_file.h"

enum {
	STRING_MAX = 4095,
	KEY_MAX = 255,
	PAIRS_MAX = 1024, /* a pod sees seven variables for each service of its namespace */
};

void state_json_done(json_t **json)
{
	json_decref(*json);
}

/*
 * jansson refuses NUL and what is nested more than 2048 deep. A key that comes twice is refused,
 * because we might take the one that the runtime did not.
 */
json_t *state_json_parse(const char *text, size_t len)
{
	return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

int state_json_read(int dir, const char *path, size_t max, json_t **ret_json)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	json_t *json;
	int err = state_file_read(dir, path, max, &text, &len);

	if (err)
		return err;
	json = state_json_parse(text, len);
	if (!json)
		return -EAGAIN;
	*ret_json = json;
	return 0;
}

const char *state_json_string(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_string_length(value) <= STRING_MAX ? json_string_value(value) : NULL;
}

json_int_t state_json_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? value : 0;
}

int state_json_set(char **field, const char *value)
{
	if (*field || !value || !*value)
		return 0;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

int state_json_add(struct identity_pairs *pairs, const char *key, const char *value)
{
	if (strlen(key) > KEY_MAX || !value || strlen(value) > STRING_MAX ||
	    pairs->count >= PAIRS_MAX)
		return 0;
	return identity_pairs_add(pairs, key, value);
}

int state_json_pairs(const json_t *object, struct identity_pairs *pairs)
{
	const char *key;
	json_t *value;

	/* jansson's iterator is not const, but only reads. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		int err = state_json_add(pairs, key, json_string_value(value));

		if (err)
			return err;
	}
	return 0;
}

static int add_variable(struct identity_pairs *pairs, const char *variable)
{
	const char *equals = strchr(variable, '=');
	char key[KEY_MAX + 1];
	size_t len;

	if (!equals)
		return 0;
	len = (size_t)(equals - variable);
	if (len == 0 || len > KEY_MAX)
		return 0;
	memcpy(key, variable, len);
	key[len] = '\0';
	return state_json_add(pairs, key, equals + 1);
}

int state_json_env(const json_t *array, struct identity_pairs *pairs)
{
	size_t i;
	json_t *value;

	json_array_foreach(array, i, value) {
		const char *variable = json_string_value(value);
		int err = variable ? add_variable(pairs, variable) : 0;

		if (err)
			return err;
	}
	return 0;
}
