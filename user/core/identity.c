// SPDX-License-Identifier: Apache-2.0
#include "core/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

int identity_pairs_add(struct identity_pairs *pairs, const char *key, const char *value)
{
	_cleanup_free_ char *new_key = NULL, *new_value = strdup(value);
	struct identity_pair *pair = find(pairs, key), *items;

	if (!new_value)
		return -ENOMEM;
	if (pair) {
		free(pair->value);
		pair->value = STEAL_PTR(new_value);
		return 0;
	}
	new_key = strdup(key);
	items = reallocarray(pairs->items, pairs->count + 1, sizeof(*items));
	if (items)
		pairs->items = items;
	if (!new_key || !items)
		return -ENOMEM;
	items[pairs->count++] = (struct identity_pair){STEAL_PTR(new_key), STEAL_PTR(new_value)};
	return 0;
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
