/* SPDX-License-Identifier: Apache-2.0 */
/* `match` of a policy: whom it speaks of. */
#pragma once

#include "config/keys.h"

/* Its keys, for tests, which hold the documents against them. */
extern const struct key_row match_keys[];

/* For tables of keys; into a struct policy. */
int match_take(const struct report *report, const struct tree *value, int index, void *policy);
