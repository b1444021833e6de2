/* SPDX-License-Identifier: Apache-2.0 */
/* The container of `lastout demo`: namespaces, a cgroup, and lastout itself as process manager. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "host/cgroupfs.h"

struct demo_container {
	char path[64];	/* of its cgroup, from the hierarchy's root; "": not made */
	char full[600]; /* the same, from / */
	pid_t init;	/* 0: not started */
	int lock;	/* on the cgroup's directory: shows others that it is in use; -1 */
	int release;	/* a byte lets init go on, closing it ends init; -1 */
};

/*
 * Makes the cgroup, and removes those of demos that were killed: the kernel has killed their processes
 * with them. 0 or a negative errno.
 */
int demo_container_make(struct demo_container *container, const struct hierarchy *hierarchy,
			struct error *error);

/* Starts init in it. It execs, starts its task, and never ends by itself. */
int demo_container_start(struct demo_container *container, struct error *error);

/* Ends what still runs and removes the cgroup. */
void demo_container_remove(struct demo_container *container);
