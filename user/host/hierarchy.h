/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup hierarchy holds the containers, and where it is mounted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct hierarchy {
	char mount[512];     /* where it is mounted */
	char controller[32]; /* v1: the controller it was chosen by; "": the unified hierarchy */
	uint32_t id;	     /* as /proc/cgroups numbers it; 0: the unified one */
	char freezer[512];   /* v1: where the freezer is mounted, "" if it is not */
	char memory[512];    /* v1: the same of the memory controller */
};

/*
 * Chooses by the mount table of `proc`. -ENOENT, with the remedy in `error`, if no cgroup
 * hierarchy is mounted.
 */
int hierarchy_detect(const char *proc, struct hierarchy *ret_hierarchy, struct error *error);

/* `v2`, `v1 (pids)`; for people. */
void hierarchy_describe(const struct hierarchy *hierarchy, char *buf, size_t size);
