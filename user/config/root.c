// SPDX-License-Identifier: Apache-2.0
#include "config/root.h"

#include <errno.h>
#include <string.h>

#include "config/agent_section.h"
#include "config/policy_section.h"
#include "config/value.h"

static int take_version(const struct report *report, const struct tree *value, int index,
			void *config)
{
	const char *text = value_text(report, value);

	(void)index;
	(void)config;
	if (text && strcmp(text, "1") != 0)
		return report_at(report, value->place,
				 "version '%.20s' is not known here; this lastout reads version 1",
				 text);
	return text ? 0 : -EINVAL;
}

/* In this order, wherever they stand: a file of another version means something else by the rest,
 * and policies inherit the defaults. */
const struct key_row root_keys[] = {
	{"version", take_version, 0},
	{"agent", section_agent, 0},
	{"defaults", section_defaults, 0},
	{"policies", section_policies, 0},
	{0},
};

int root_take(const struct report *report, const struct tree *root, struct config *config)
{
	if (root->is_null)
		return report_at(report, root->place,
				 "nothing is in it; the least is one line: version: 1");
	if (root->kind == TREE_MAP && !tree_find(root, "version"))
		return report_at(report, root->place, "the line `version: 1` is missing");
	return keys_take(report, root, "the configuration", root_keys, config);
}
