/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies in force, and those of before a reload for as long as a container is still being
 * ended by one of them. Counted, since that may take a grace.
 */
#pragma once

#include "core/policy.h"

struct policies {
	struct policy_set set;
	unsigned users;
};

/* Takes the set over, and leaves it empty. One user. NULL if memory is short. */
struct policies *policies_new(struct policy_set *set);
struct policies *policies_ref(struct policies *policies);
/* The last user frees them. NULL is fine. */
void policies_unref(struct policies *policies);
