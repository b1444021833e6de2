/* SPDX-License-Identifier: Apache-2.0 */
/* Where each runtime keeps its state, unless the configuration says otherwise. */
#pragma once

#include "runtimes/runtime_state.h"

/* The directories, ended by NULL; never NULL itself. */
const char *const *state_dirs(const struct runtime_roots *roots, enum runtime_dir dir);

/*
 * Opens a directory that many containers have their state in, as state_dir_open does; not one of a
 * single container, since what is held is remembered by its path. A descriptor, or a negative errno.
 */
int state_dirs_open(const struct runtime_roots *roots, const char *dir);
