/* SPDX-License-Identifier: Apache-2.0 */
/* `agent` of the file: what the agent itself needs to know. */
#pragma once

#include "config/config.h"
#include "config/keys.h"

/* Its keys, and those of its state_dirs, for tests, which hold the documents against them. */
extern const struct key_row agent_keys[];
extern const struct key_row state_dirs_keys[];

/* For tables of keys; into a struct config. */
int section_agent(const struct report *report, const struct tree *value, int index, void *config);
