// SPDX-License-Identifier: Apache-2.0
#include "agent/naming.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/procfs.h"

/*
 * A stage of the runtime, which was there first and will be gone soon. By its program, since it
 * runs under several names; runc and crun may run from a copy in memory.
 */
static bool is_runtime(const char *program)
{
	return strstr(program, "runc") || strstr(program, "crun") ||
	       strncmp(program, "/memfd:", 7) == 0;
}

pid_t naming_find_init(const char *proc, const struct hierarchy *hierarchy, const char *path)
{
	_cleanup_free_ pid_t *pids = NULL;
	uint64_t oldest_ticks = UINT64_MAX;
	struct procfs_stat stat;
	pid_t oldest = 0, ns_pid;
	char program[PATH_MAX];
	size_t count = 0;

	if (cgroupfs_read_procs(hierarchy, path, &pids, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (procfs_read_stat(proc, pids[i], &stat) < 0 ||
		    procfs_read_ns_pid(proc, pids[i], &ns_pid) < 0 ||
		    procfs_read_program(proc, pids[i], program, sizeof(program)) < 0)
			continue; /* gone since */
		if (ns_pid == 1 || is_runtime(program))
			return 0; /* a namespace of its own, or still in the making */
		if (stat.start_ticks < oldest_ticks) {
			oldest_ticks = stat.start_ticks;
			oldest = pids[i];
		}
	}
	return oldest;
}
