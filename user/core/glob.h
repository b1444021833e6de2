/* SPDX-License-Identifier: Apache-2.0 */
/* Shell patterns, as they stand in policies and filters; the matching itself is libc's fnmatch. */
#pragma once

#include <stdbool.h>

/*
 * Whether the whole text matches the shell pattern (`*`, `?`, `[a-z]`, `[!x]`, `\` quotes). Slashes
 * and leading dots are characters like any other. A broken pattern matches what fnmatch says.
 */
bool glob_matches(const char *pattern, const char *text);

/*
 * Whether a pattern is no choice at all, because about any name matches: `*`, `**`, `?*`, `*?`,
 * `[!x]*`. Decided by trying it on improbable names of many lengths and characters: a pattern that
 * means a real name matches none of them, and one that matches all but one counts as everything. So
 * it is a guard against accidents, not a proof: `????*` and `[a-z]*` are choices.
 */
bool glob_matches_everything(const char *pattern);
