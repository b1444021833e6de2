/* SPDX-License-Identifier: Apache-2.0 */
/* Where each runtime keeps its state, unless the configuration says otherwise. */
#pragma once

#include "sys/runtime_state.h"

/* The directories, ended by NULL; never NULL itself. */
const char *const *state_dirs(const struct runtime_roots *roots, enum runtime_dir dir);
