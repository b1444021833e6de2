/* SPDX-License-Identifier: Apache-2.0 */
/* `defaults` and `policies` of the file. */
#pragma once

#include "config/config.h"
#include "config/keys.h"

/* Their keys, for tests, which hold the documents against them. */
extern const struct key_row defaults_keys[];
extern const struct key_row policy_keys[];

/* Both take into a struct config; `defaults` first, for the policies take over what it says. */
int section_defaults(const struct report *report, const struct tree *value, int index,
		     void *config);
int section_policies(const struct report *report, const struct tree *value, int index,
		     void *config);
