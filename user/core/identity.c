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
