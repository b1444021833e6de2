/* SPDX-License-Identifier: Apache-2.0 */
/* The state directories of runc and crun: ROOT/ID/state.json, ROOT/ID/status. */
#pragma once

#include <stdbool.h>

#include "runtimes/oci_state.h"
#include "runtimes/runtime_state.h"

/* runtime_state_identify for these two: by the name of a directory, */
bool state_oci_identify_by_name(const struct runtime_roots *roots, const char *cgroup_path,
				struct cgroup_identity *ret_identity);

/* or by the cgroup that the state of a container by another name tells. */
bool state_oci_identify_by_cgroup(const struct runtime_roots *roots, const char *cgroup_path,
				  struct cgroup_identity *ret_identity);

/*
 * Who init is, for a container that an engine started: runc's root of the engine's own, and below
 * that the engine's namespace. 0, or errors of runtime_state_read.
 */
int state_oci_read_engine(const struct runtime_roots *roots, const char *runc_root,
			  const char *namespace, const char *cgroup_path,
			  struct identity *identity);

/*
 * Who init is, for a container that is in the own root of runc or crun. With `is_alone`, no engine
 * knows it: its orders are read from its bundle then, and its id is its name.
 */
int state_oci_read(const struct runtime_roots *roots, const char *cgroup_path, bool is_alone,
		   struct identity *identity);
