// SPDX-License-Identifier: Apache-2.0
#include "config/policy_section.h"

#include <errno.h>
#include <string.h>

#include "config/match.h"
#include "config/settings.h"
#include "config/value.h"
#include "core/helpers.h"

/* As long as the value of a Kubernetes label may be, for containers choose by one. */
enum { POLICY_NAME_MAX = 63 };

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool is_plain_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= POLICY_NAME_MAX && strspn(name, ALNUM "-_.") == len &&
	       strspn(name, ALNUM) > 0 && strchr(ALNUM, name[len - 1]);
}

/* For a key that has its place in the table, but is taken before all others. */
static int take_elsewhere(const struct report *report, const struct tree *value, int index,
			  void *target)
{
	(void)report;
	(void)value;
	(void)index;
	(void)target;
	return 0;
}

static int take_selectable(const struct report *report, const struct tree *value, int index,
			   void *target)
{
	static const char *const words[] = {"false", "true", "only", NULL};
	struct policy *policy = target;
	int chosen, err = value_word(report, value, words, &chosen);

	(void)index;
	if (err)
		return err;
	policy->is_selectable = chosen > 0;
	policy->is_for_choice = chosen == 2;
	return 0;
}

static int take_action(const struct report *report, const struct tree *value, int index,
		       void *policy)
{
	static const char *const words[] = {
		[POLICY_FINISH] = "finish",
		[POLICY_WATCH] = "watch",
		[POLICY_IGNORE] = "ignore",
		NULL,
	};
	int chosen, err = value_word(report, value, words, &chosen);

	(void)index;
	if (!err)
		((struct policy *)policy)->action = (enum policy_action)chosen;
	return err;
}

static int refuse_helpers(const struct report *report, const struct tree *value, int index,
			  void *policy)
{
	(void)index;
	(void)policy;
	return report_at(report, value->place,
			 "helpers are the same for all policies: put them below defaults");
}

const struct key_row policy_keys[] = {
	{"name", take_elsewhere, 0},
	{"match", match_take, 0},
	{"selectable", take_selectable, 0},
	{"action", take_action, 0},
	{"settle", setting_settle, 0},
	{"signal", setting_signal, 0},
	{"grace", setting_grace, 0},
	{"status", setting_status, 0},
	{"injected", setting_injected, 0},
	{"host_pid", setting_host_pid, 0},
	{"limit", setting_limit, 0},
	{"restart_codes", setting_restart_codes, 0},
	{"restart_settle", setting_restart_settle, 0},
	{"helpers", refuse_helpers, 0},
	{0},
};

/* Its name, which is a word in logs, metrics and labels, and no word with a meaning of its own. */
static const char *read_name(const struct report *report, const struct tree *map,
			     const struct policy_set *set)
{
	static const char *const taken[] = {"off", "none", "defaults"};
	const struct tree *value = tree_find(map, "name");
	const char *name = value ? value_text(report, value) : NULL;
	bool is_taken = false;

	if (!value)
		(void)report_at(report, map->place, "this policy has no name");
	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		is_taken |= strcmp(name, taken[i]) == 0;
	if (!is_plain_name(name))
		(void)report_at(report, value->place,
				"'%.70s' is no name: up to %d letters, digits, '-', '_' and '.', "
				"with a letter or digit at both ends",
				name, POLICY_NAME_MAX);
	else if (is_taken)
		(void)report_at(report, value->place, "the name '%s' means something else", name);
	else if (policy_set_find(set, name))
		(void)report_at(report, value->place, "a policy '%s' is there already", name);
	else
		return name;
	return NULL;
}

static int take_policy(const struct report *report, const struct tree *item, void *target)
{
	struct policy_set *set = target;
	struct policy *policy;
	const char *name;
	int err;

	if (item->kind != TREE_MAP)
		return report_at(report, item->place, "a policy is a map: write - name: NAME");
	name = read_name(report, item, set);
	if (!name)
		return -EINVAL;
	if (policy_set_add(set, name, &policy) < 0)
		return report_no_memory(report);
	err = keys_take(report, item, "a policy", policy_keys, policy);
	if (!err && policy->action == POLICY_FINISH && !policy->is_for_choice &&
	    policy_matches_everything(policy))
		return report_at(report, item->place,
				 "'%s' matches every container of this host; name those that are "
				 "to be finished, for example init: supervisord",
				 name);
	return err;
}

int section_policies(const struct report *report, const struct tree *value, int index, void *config)
{
	(void)index;
	if (value->is_null)
		return 0;
	if (value->kind != TREE_LIST)
		return report_at(report, value->place, "policies is a list: write - name: NAME");
	return value_each(report, value, take_policy, &((struct config *)config)->policies);
}

/* --- defaults --- */

static int take_helper(const struct report *report, const struct tree *item, void *target)
{
	struct config *config = target;
	struct error reason;
	const char *name = value_text(report, item);

	if (!name)
		return -EINVAL;
	if (helper_name_check(name, &reason) < 0)
		return report_at(report, item->place, "'%.60s': %s", name, reason.text);
	return value_append(report, &config->helpers, name);
}

const struct key_row defaults_keys[] = {
	{"settle", setting_settle, 0},
	{"signal", setting_signal, 0},
	{"grace", setting_grace, 0},
	{"status", setting_status, 0},
	{"injected", setting_injected, 0},
	{"host_pid", setting_host_pid, 0},
	{"limit", setting_limit, 0},
	{"restart_codes", setting_restart_codes, 0},
	{"restart_settle", setting_restart_settle, 0},
	{"helpers", take_elsewhere, 0},
	{0},
};

/* The helpers are the file's, everything else is a policy's. */
int section_defaults(const struct report *report, const struct tree *value, int index, void *target)
{
	struct config *config = target;
	const struct tree *helpers;
	int err = keys_take(report, value, "defaults", defaults_keys, &config->policies.defaults);

	(void)index;
	if (err)
		return err;
	/* They are nobody's own: the table of managers comes before them. */
	config->policies.defaults.has_settle = config->policies.defaults.has_restart_settle = false;
	helpers = tree_find(value, "helpers");
	return helpers ? value_each(report, helpers, take_helper, config) : 0;
}
