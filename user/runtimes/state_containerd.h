/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd's tasks tell. Docker's containers are such ones too, in the namespace `moby`.
 */
#pragma once

#include <stdbool.h>

#include "runtimes/runtime_state.h"

/* runtime_state_identify, by a path that ends in NAMESPACE/ID, */
bool state_containerd_identify_by_name(const struct runtime_roots *roots, const char *cgroup_path,
				       struct cgroup_identity *ret_identity);

/* or by the cgroup that a task's orders name. */
bool state_containerd_identify_by_cgroup(const struct runtime_roots *roots, const char *cgroup_path,
					 struct cgroup_identity *ret_identity);

/* As runtime_state_read. */
int state_containerd_read(const struct runtime_roots *roots, const char *cgroup_path,
			  struct identity *identity);
