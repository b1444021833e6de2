/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup hierarchy that holds the containers: v2, or on v1 and hybrid hosts one of v1's, since
 * runtimes put containers into all of those. Paths are relative to its root and begin with '/'.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/hierarchy.h"

/* Called for each cgroup; false: do not look below this one. */
typedef bool (*cgroupfs_visit_fn)(void *context, const char *path, uint64_t id);

/* Walks the whole hierarchy, parents first. What vanishes meanwhile is passed over. */
int cgroupfs_walk(const struct hierarchy *hierarchy, cgroupfs_visit_fn visit, void *context);

/* The cgroup's id. */
int cgroupfs_read_id(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id);

/*
 * The processes in the cgroup and all that are nested in it; *ret_pids is the caller's to free.
 * A nested cgroup that vanishes meanwhile is passed over; -ENOENT if the cgroup itself has.
 */
int cgroupfs_read_procs(const struct hierarchy *hierarchy, const char *path, pid_t **ret_pids,
			size_t *ret_count);

/*
 * Is the container paused? v1 keeps that in the freezer hierarchy, under the path that init has
 * there: `freezer_path`. What cannot be read is not paused.
 */
bool cgroupfs_is_frozen(const struct hierarchy *hierarchy, const char *path,
			const char *freezer_path);

/*
 * Memory that the cgroup holds, in bytes; `memory_path` is where it is in v1's memory hierarchy.
 * -ENOENT if nobody counts it.
 */
int cgroupfs_read_memory(const struct hierarchy *hierarchy, const char *path,
			 const char *memory_path, uint64_t *ret_bytes);
