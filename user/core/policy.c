// SPDX-License-Identifier: Apache-2.0
#include "core/policy.h"

#include <string.h>

#include "core/glob.h"

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool policy_matches(const struct policy *policy, const char *comm, const char *argv0)
{
	const char *program = base_name(argv0);

	for (size_t i = 0; i < policy->init_count; i++) {
		if (glob_match(policy->inits[i], comm))
			return true;
		if (*program && glob_match(policy->inits[i], program))
			return true;
	}
	return false;
}
