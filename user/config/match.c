// SPDX-License-Identifier: Apache-2.0
#include "config/match.h"

#include <errno.h>

#include "config/value.h"
#include "core/glob.h"
#include "core/managers.h"
#include "core/policy.h"

/* Where a glob goes. */
static int take_glob(const struct report *report, const struct tree *item, void *globs)
{
	const char *text = value_text(report, item);

	if (!text)
		return -EINVAL;
	return policy_globs_add(globs, text) ? report_no_memory(report) : 0;
}

static int take_globs(const struct report *report, const struct tree *value, int index,
		      void *target)
{
	struct policy *policy = target;

	return value_each_of_some(report, value, take_glob, &policy->match[index]);
}

static bool is_manager(const char *glob)
{
	for (size_t i = 0; i < manager_count; i++)
		if (glob_matches(glob, managers[i].name))
			return true;
	return false;
}

static int take_manager(const struct report *report, const struct tree *item, void *globs)
{
	const char *text = value_text(report, item);

	if (!text)
		return -EINVAL;
	if (!is_manager(text))
		return report_at(report, item->place,
				 "no process manager is called '%.60s': `lastout check --managers` "
				 "lists them",
				 text);
	return take_glob(report, item, globs);
}

static int take_managers(const struct report *report, const struct tree *value, int index,
			 void *target)
{
	struct policy *policy = target;

	return value_each_of_some(report, value, take_manager, &policy->match[index]);
}

static int take_pairs(const struct report *report, const struct tree *value, int index,
		      void *target)
{
	struct policy *policy = target;
	int err = 0;

	if (value->kind != TREE_MAP || !value->count)
		return report_at(report, value->place, "write {KEY: VALUE}");
	for (size_t i = 0; i < value->count && !err; i++) {
		struct policy_pair *pair;
		const char *key = value_text(report, &value->keys[i]);

		if (!key)
			return -EINVAL;
		if (policy_pairs_add(&policy->pairs[index], key, &pair) < 0)
			return report_no_memory(report);
		err = value_each_of_some(report, &value->items[i], take_glob, &pair->values);
	}
	return err;
}

const struct key_row match_keys[] = {
	{"init", take_globs, POLICY_INIT},
	{"manager", take_managers, POLICY_MANAGER},
	{"container", take_globs, POLICY_CONTAINER},
	{"image", take_globs, POLICY_IMAGE},
	{"runtime", take_globs, POLICY_RUNTIME},
	{"cgroup", take_globs, POLICY_CGROUP},
	{"namespace", take_globs, POLICY_NAMESPACE},
	{"pod", take_globs, POLICY_POD},
	{"label", take_pairs, POLICY_LABEL},
	{"annotation", take_pairs, POLICY_ANNOTATION},
	{"env", take_pairs, POLICY_ENV},
	{0},
};

int match_take(const struct report *report, const struct tree *value, int index, void *target)
{
	struct policy *policy = target;

	(void)index;
	if (value->is_null)
		return report_at(report, value->place,
				 "nothing to match: write {} if it is to be chosen only");
	policy->has_match = value->count > 0;
	return keys_take(report, value, "match", match_keys, policy);
}
