// SPDX-License-Identifier: Apache-2.0
/* Policies as data: making, filling and freeing them. Choosing is in policy_choose.c. */
#include "core/policy.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/glob.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS	  UINT64_C(1000000)

static void globs_done(struct policy_globs *globs)
{
	for (size_t i = 0; i < globs->count; i++)
		free(globs->globs[i]);
	free(globs->globs);
}

static void pairs_done(struct policy_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->pairs[i].key);
		globs_done(&pairs->pairs[i].values);
	}
	free(pairs->pairs);
}

static void policy_done(struct policy *policy)
{
	free(policy->name);
	for (int i = 0; i < POLICY_KEY_COUNT; i++)
		globs_done(&policy->match[i]);
	for (int i = 0; i < POLICY_PAIR_KEY_COUNT; i++)
		pairs_done(&policy->pairs[i]);
}

int policy_set_init(struct policy_set *set)
{
	char *name = strdup("defaults");

	if (!name)
		return -ENOMEM;
	*set = (struct policy_set){
		.defaults =
			{
				.name = name,
				.action = POLICY_FINISH,
				.timing = {.settle_ns = MANAGER_SETTLE_MS * MS_NS,
					   .grace_ns = 10 * SECOND_NS},
				.signal = SIGTERM,
				.status = POLICY_STATUS_SIGNAL,
				.injected_holds = true,
				.restart_settle_ns = MANAGER_RESTART_SETTLE_MS * MS_NS,
			},
	};
	return 0;
}

void policy_set_done(struct policy_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		policy_done(&set->policies[i]);
	free(set->policies);
	policy_done(&set->defaults);
	memset(set, 0, sizeof(*set));
}

/* The settings of `defaults` under another name; what it cannot share it copies. */
static int inherit(const struct policy *defaults, const char *name, struct policy *ret_policy)
{
	struct policy policy = *defaults;

	memset(policy.match, 0, sizeof(policy.match));
	memset(policy.pairs, 0, sizeof(policy.pairs));
	policy.has_match = false;
	policy.is_selectable = false;
	policy.is_for_choice = policy.has_settle = policy.has_restart_settle = false;
	policy.name = strdup(name);
	if (!policy.name)
		return -ENOMEM;
	*ret_policy = policy;
	return 0;
}

int policy_set_add(struct policy_set *set, const char *name, struct policy **ret_policy)
{
	struct policy *policies = reallocarray(set->policies, set->count + 1, sizeof(*policies));
	int err;

	if (!policies)
		return -ENOMEM;
	set->policies = policies;
	err = inherit(&set->defaults, name, &policies[set->count]);
	if (err)
		return err;
	*ret_policy = &policies[set->count++];
	return 0;
}

const struct policy *policy_set_find(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->policies[i].name, name) == 0)
			return &set->policies[i];
	return NULL;
}

int policy_globs_add(struct policy_globs *globs, const char *glob)
{
	char **grown = reallocarray(globs->globs, globs->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	globs->globs = grown;
	grown[globs->count] = strdup(glob);
	if (!grown[globs->count])
		return -ENOMEM;
	globs->count++;
	return 0;
}

int policy_pairs_add(struct policy_pairs *pairs, const char *key, struct policy_pair **ret_pair)
{
	struct policy_pair *grown = reallocarray(pairs->pairs, pairs->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	pairs->pairs = grown;
	grown[pairs->count] = (struct policy_pair){.key = strdup(key)};
	if (!grown[pairs->count].key)
		return -ENOMEM;
	*ret_pair = &grown[pairs->count++];
	return 0;
}

static bool any_is_everything(const struct policy_globs *globs)
{
	for (size_t i = 0; i < globs->count; i++)
		if (glob_matches_everything(globs->globs[i]))
			return true;
	return false;
}

bool policy_matches_everything(const struct policy *policy)
{
	for (int i = 0; i < POLICY_PAIR_KEY_COUNT; i++)
		if (policy->pairs[i].count)
			return false;
	if (policy->match[POLICY_NAMESPACE].count || policy->match[POLICY_POD].count ||
	    policy->match[POLICY_MANAGER].count)
		return false;
	for (int i = 0; i < POLICY_KEY_COUNT; i++)
		if (policy->match[i].count && !any_is_everything(&policy->match[i]))
			return false;
	return policy->has_match;
}
