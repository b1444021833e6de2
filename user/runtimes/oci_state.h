/* SPDX-License-Identifier: Apache-2.0 */
/* What runc and crun write about a container that they have made: each in its own words. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct oci_state {
	pid_t init_pid;
	uint64_t init_start_ticks;
	char bundle[1024]; /* absolute; "" if there is none that fits */
};

/*
 * runc's state.json. 0, -EAGAIN if it is not whole, -ESTALE if the container is in another cgroup.
 * Both ask for the cgroup, because a name alone may stand for another runtime's container.
 */
int oci_state_parse_runc(const char *text, size_t len, const char *cgroup_path,
			 struct oci_state *ret_state);

/* crun's status, likewise. */
int oci_state_parse_crun(const char *text, size_t len, const char *cgroup_path,
			 struct oci_state *ret_state);
