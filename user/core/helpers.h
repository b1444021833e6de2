/* SPDX-License-Identifier: Apache-2.0 */
/* Command names of processes that belong to a process manager and are no work. */
#pragma once

#include "base/error.h"

/* NAME or PREFIX*, ended by NULL. Names are as the kernel cuts them, at 15 characters. */
extern const char *const helper_names[];

/*
 * Whether somebody may add this name: NAME or PREFIX*, and no longer than the kernel keeps. 0, or
 * -EINVAL with the reason, a half sentence, in `error`.
 */
int helper_name_check(const char *name, struct error *error);
