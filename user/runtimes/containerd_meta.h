/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's own database, ROOT/io.containerd.metadata.v1.bolt/meta.db: image and labels of a
 * container, and what its pod's manifest says, which stand nowhere else.
 */
#pragma once

#include "runtimes/runtime_state.h"

/*
 * Takes what it has of identity->id in this namespace of containerd. 0, also if no database has it;
 * -EAGAIN if it changed each time it was read; -ENOMEM.
 */
int containerd_meta_read(const struct runtime_roots *roots, const char *namespace,
			 struct identity *identity);

/* The same from an open database; -ENOENT if it has not got it. */
int containerd_meta_take(int fd, const char *namespace, struct identity *identity);
