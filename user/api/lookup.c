// SPDX-License-Identifier: Apache-2.0
#include "api/lookup.h"

#include <errno.h>
#include <string.h>

#include "agent/everybody.h"

enum fit {
	FIT_PREFIX,
	FIT_NAME_GONE,
	FIT_NAME,
	FIT_ID,
	FIT_COUNT,
};

/* The first and the second found that fit so well. */
struct lookup {
	const char *reference;
	struct container *found[FIT_COUNT];
	const struct container *another[FIT_COUNT];
};

static void note(struct lookup *lookup, enum fit fit, struct container *container)
{
	if (lookup->found[fit])
		lookup->another[fit] = container;
	else
		lookup->found[fit] = container;
}

static void compare(void *context, struct container *container)
{
	const struct identity *identity = &container->identity;
	struct lookup *lookup = context;

	if (strcmp(identity->id, lookup->reference) == 0)
		note(lookup, FIT_ID, container);
	else if (identity->name && strcmp(identity->name, lookup->reference) == 0)
		note(lookup, container->is_gone ? FIT_NAME_GONE : FIT_NAME, container);
	else if (strncmp(identity->id, lookup->reference, strlen(lookup->reference)) == 0)
		note(lookup, FIT_PREFIX, container);
}

int lookup_container(const struct follower_shared *shared, const char *reference,
		     struct container **ret_container, struct error *error)
{
	struct lookup lookup = {.reference = reference};

	if (!*reference)
		return error_set(error, -ENOENT, "an empty name is no container's");
	everybody_for_each(shared, compare, &lookup);
	for (int fit = FIT_COUNT - 1; fit >= 0; fit--) {
		if (!lookup.found[fit])
			continue;
		if (lookup.another[fit])
			return error_set(error, -EEXIST,
					 "'%s' could be %s or %s; give more of the id", reference,
					 lookup.found[fit]->identity.id,
					 lookup.another[fit]->identity.id);
		*ret_container = lookup.found[fit];
		return 0;
	}
	return error_set(error, -ENOENT, "no container '%s' is known; see: lastout ps", reference);
}
