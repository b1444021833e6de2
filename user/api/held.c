// SPDX-License-Identifier: Apache-2.0
#include "api/held.h"

#include <limits.h>

#include "host/procfs.h"

bool held_read_memory(struct watch *watch, const struct container *container, uint64_t *ret_bytes)
{
	const struct hierarchy *hierarchy = watch_hierarchy(watch);
	char path[PATH_MAX] = "";

	if (container->is_gone || container_is_guest(container))
		return false; /* its init is in another cgroup by now, or in none */
	if (hierarchy->controller[0] &&
	    (!container->init.pid || procfs_read_cgroup(watch_proc(watch), container->init.pid,
							"memory", path, sizeof(path)) < 0))
		return false;
	return cgroupfs_read_memory(hierarchy, container->path, path, ret_bytes) == 0;
}
