/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Podman and CRI-O keep their containers in the same store: ROOT/DRIVER-containers, with a folder for
 * each container and one file of all their names.
 */
#pragma once

#include <stddef.h>

#include "runtimes/runtime_state.h"

/* From the file of names, what it has of identity->id. 0, -EAGAIN if it is not whole, -ENOMEM. */
int state_storage_take_names(const char *text, size_t len, struct identity *identity);

/* As runtime_state_read. */
int state_storage_read(const struct runtime_roots *roots, const char *cgroup_path,
		       struct identity *identity);
