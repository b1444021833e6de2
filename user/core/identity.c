// SPDX-License-Identifier: Apache-2.0
#include "core/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct identity_pair *find(const struct identity_pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (strcmp(pairs->items[i].key, key) == 0)
			return &pairs->items[i];
	return NULL;
}

const char *identity_pairs_find(const struct identity_pairs *pairs, const char *key)
{
	const struct identity_pair *pair = find(pairs, key);

	return pair ? pair->value : NULL;
}

/* Takes `value` over, unless memory is short. */
static int append(struct identity_pairs *pairs, const char *key, char *value)
{
	struct identity_pair *items;
	char *new_key = strdup(key);

	items = reallocarray(pairs->items, pairs->count + 1, sizeof(*items));
	if (items)
		pairs->items = items;
	if (!new_key || !items) {
		free(new_key);
		return -ENOMEM;
	}
	items[pairs->count++] = (struct identity_pair){new_key, value};
	return 0;
}

int identity_pairs_add(struct identity_pairs *pairs, const char *key, const char *value)
{
	struct identity_pair *pair = find(pairs, key);
	char *new_value = strdup(value);

	if (!new_value)
		return -ENOMEM;
	if (pair) {
		free(pair->value);
		pair->value = new_value;
		return 0;
	}
	if (append(pairs, key, new_value) == 0)
		return 0;
	free(new_value);
	return -ENOMEM;
}

static int add_string(char **string, const char *from)
{
	if (*string || !from)
		return 0;
	*string = strdup(from);
	return *string ? 0 : -ENOMEM;
}

static int add_pairs(struct identity_pairs *pairs, const struct identity_pairs *from)
{
	int err = 0;

	for (size_t i = 0; i < from->count && !err; i++)
		err = identity_pairs_add(pairs, from->items[i].key, from->items[i].value);
	return err;
}

int identity_add(struct identity *identity, const struct identity *from)
{
	int err = add_string(&identity->name, from->name);

	if (!err)
		err = add_string(&identity->image, from->image);
	if (!err)
		err = add_string(&identity->pod, from->pod);
	if (!err)
		err = add_string(&identity->namespace, from->namespace);
	if (!err)
		err = add_string(&identity->termination_log, from->termination_log);
	if (!err)
		err = add_pairs(&identity->labels, &from->labels);
	if (!err)
		err = add_pairs(&identity->annotations, &from->annotations);
	if (!err)
		err = add_pairs(&identity->env, &from->env);
	if (!identity->pod_uid[0])
		memcpy(identity->pod_uid, from->pod_uid, sizeof(identity->pod_uid));
	identity->runtime = from->runtime;
	identity->is_sandbox = identity->is_sandbox || from->is_sandbox;
	return err;
}

static void pairs_done(struct identity_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].key);
		free(pairs->items[i].value);
	}
	free(pairs->items);
}

void identity_done(struct identity *identity)
{
	free(identity->name);
	free(identity->image);
	free(identity->pod);
	free(identity->namespace);
	free(identity->termination_log);
	pairs_done(&identity->labels);
	pairs_done(&identity->annotations);
	pairs_done(&identity->env);
	memset(identity, 0, sizeof(*identity));
}
