/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not a command for people: `lastout completion SHELL` prints what the shell completes lastout's
 * command line with. Made from the tables of options, so that it is never older than they are.
 */
#pragma once

#include "cli/options.h"

/* `shell` is bash or zsh; NULL or another one is wrong usage. Returns the exit status. */
int completion_print(const struct command *const *commands, int count, const char *shell);
