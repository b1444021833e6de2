/* SPDX-License-Identifier: Apache-2.0 */
/* Which of containerd's tasks is in a cgroup: STATE/io.containerd.runtime.v2.task/NAMESPACE/ID. */
#pragma once

#include <stdbool.h>

#include "runtimes/runtime_state.h"

struct containerd_task {
	int dir; /* the caller's, of all tasks */
	char namespace[128];
	char id[128];
	char path[260]; /* NAMESPACE/ID, below dir */
};

/* A descriptor of the directory of tasks below containerd's state, or a negative errno. */
int containerd_task_open_all(const struct runtime_roots *roots, const char *state);

/* By a path that ends in NAMESPACE/ID, unless the task's orders name another cgroup. */
bool containerd_task_find_by_name(int dir, const char *cgroup_path,
				  struct containerd_task *ret_task);

/* By its orders, where a person chose the id; with `id` that one only. */
bool containerd_task_find_by_cgroup(int dir, const char *cgroup_path, const char *id,
				    struct containerd_task *ret_task);

/* By an id that was drawn, in whichever namespace. */
bool containerd_task_find_by_id(int dir, const char *id, struct containerd_task *ret_task);
