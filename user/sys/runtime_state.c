// SPDX-License-Identifier: Apache-2.0
#include "sys/runtime_state.h"

#include <errno.h>

#include "sys/state_containerd.h"
#include "sys/state_docker.h"
#include "sys/state_file.h"
#include "sys/state_oci.h"
#include "sys/state_storage.h"

bool runtime_state_identify(const struct runtime_roots *roots, const char *cgroup_path,
			    struct cgroup_identity *ret_identity)
{
	return state_oci_identify_by_name(roots, cgroup_path, ret_identity) ||
	       state_containerd_identify_by_name(roots, cgroup_path, ret_identity) ||
	       state_oci_identify_by_cgroup(roots, cgroup_path, ret_identity) ||
	       state_containerd_identify_by_cgroup(roots, cgroup_path, ret_identity);
}

/*
 * What can be learnt from several together: out of memory before all, then what is worth another
 * try. A file that is there and no good (a link, too large) is as if it said nothing.
 */
static int both(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	if (a == -EAGAIN || b == -EAGAIN)
		return -EAGAIN;
	return a == -ENOENT && b == -ENOENT ? -ENOENT : 0;
}

int runtime_state_read(const struct runtime_roots *roots, const char *cgroup_path,
		       struct identity *identity)
{
	int result;

	if (!state_id_is_valid(identity->id))
		return -ENOENT;
	result = state_containerd_read(roots, cgroup_path, identity);
	result = both(result, state_docker_read(roots, identity));
	result = both(result, state_storage_read(roots, cgroup_path, identity));
	return both(result, state_oci_read(roots, cgroup_path, result == -ENOENT, identity));
}
