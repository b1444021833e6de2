// SPDX-License-Identifier: Apache-2.0
#include "agent/policies.h"

#include <stdlib.h>
#include <string.h>

struct policies *policies_new(struct policy_set *set)
{
	struct policies *policies = calloc(1, sizeof(*policies));

	if (!policies)
		return NULL;
	policies->set = *set;
	policies->users = 1;
	memset(set, 0, sizeof(*set));
	return policies;
}

struct policies *policies_ref(struct policies *policies)
{
	policies->users++;
	return policies;
}

void policies_unref(struct policies *policies)
{
	if (!policies || --policies->users)
		return;
	policy_set_done(&policies->set);
	free(policies);
}
