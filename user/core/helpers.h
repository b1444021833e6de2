/* SPDX-License-Identifier: Apache-2.0 */
/* Command names of processes that belong to a process manager and are no work. */
#pragma once

#include "base/error.h"

enum { HELPER_NAMES_MAX = 64 };

/*
 * Those of the table of managers, ended by NULL: NAME or PREFIX*, as the kernel cuts names, at 15
 * characters. An init of such a name is init all the same: roles go by place first.
 */
void helper_names_built_in(const char *ret_names[HELPER_NAMES_MAX]);

/*
 * Whether somebody may add this name: NAME or PREFIX*, and no longer than the kernel keeps. 0, or
 * -EINVAL with the reason, a half sentence, in `error`.
 */
int helper_name_check(const char *name, struct error *error);
