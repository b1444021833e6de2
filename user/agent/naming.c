// SPDX-License-Identifier: Apache-2.0
#include "agent/naming.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/managers.h"
#include "host/procfs.h"

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

/* No chain of wrappers is longer. */
enum { LED_DEPTH = 4 };

static bool is_supervisor(const struct command_line *args)
{
	const struct manager *manager = manager_find(args);

	return manager && manager->class == MANAGER_SUPERVISOR;
}

/* Among the children of `parent`, and of those that may lead on. */
static bool find_led(const char *proc, const pid_t *pids, size_t count, pid_t parent, int depth,
		     struct command_line *ret_args)
{
	for (size_t i = 0; i < count; i++) {
		struct command_line args = {0};
		struct procfs_stat stat;

		if (procfs_read_stat(proc, pids[i], &stat) < 0 || stat.parent != parent ||
		    procfs_read_command_line(proc, pids[i], &args) < 0)
			continue;
		if (is_supervisor(&args)) {
			*ret_args = args;
			return true;
		}
		if (depth < LED_DEPTH && manager_may_lead(&args) &&
		    find_led(proc, pids, count, pids[i], depth + 1, ret_args))
			return true;
	}
	return false;
}

bool naming_find_led(const char *proc, const struct hierarchy *hierarchy, const char *path,
		     pid_t init, struct command_line *ret_args)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	return cgroupfs_read_procs(hierarchy, path, &pids, &count) == 0 &&
	       find_led(proc, pids, count, init, 0, ret_args);
}
