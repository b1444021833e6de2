/* SPDX-License-Identifier: Apache-2.0 */
/* The file as a whole: its version and its sections. */
#pragma once

#include "config/config.h"
#include "config/keys.h"

/* Its keys, for tests, which hold the documents against them. */
extern const struct key_row root_keys[];

/* 0, or a negative errno with the reason in the report. What was read so far stays in `config`. */
int root_take(const struct report *report, const struct tree *root, struct config *config);
