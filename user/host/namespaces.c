// SPDX-License-Identifier: Apache-2.0
#include "host/namespaces.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "host/procfs.h"

enum { CGROUP_ROOT_ID = 1 }; /* a hierarchy numbers its cgroups, and makes the root first */

/* By `self`, not by a number: that follows the mount of /proc, which may be of another namespace. */
static int read_own(const char *proc, const char *kind, ino_t *ret_inode)
{
	char path[256];
	struct stat found;

	(void)snprintf(path, sizeof(path), "%s/self/ns/%s", proc, kind);
	if (stat(path, &found) < 0)
		return -errno;
	*ret_inode = found.st_ino;
	return 0;
}

int namespaces_check_pid(const char *proc, struct error *error)
{
	static const char remedy[] = "run it in the host's: hostPID: true in Kubernetes, "
				     "--pid host with docker run";
	ino_t inode = 0;
	int err = read_own(proc, "pid", &inode);

	if (err == -ENOENT)
		return error_set(error, err,
				 "%s is not of this process's PID namespace, or not mounted; %s",
				 proc, remedy);
	if (err)
		return error_set(error, err, "the PID namespace cannot be read from %s: %s", proc,
				 strerror(-err));
	if (inode != PROCFS_HOST_PID_NAMESPACE)
		return error_set(error, -EOPNOTSUPP,
				 "this is not the host's PID namespace: processes of the host "
				 "cannot be seen; %s",
				 remedy);
	return 0;
}

/* Seconds and nanoseconds; none where the file is missing, as before kernel 5.6. */
static bool has_boot_offset(const char *proc)
{
	char path[256], line[128], clock[32];
	_cleanup_fclose_ FILE *file = NULL;
	int64_t seconds, nanoseconds;

	(void)snprintf(path, sizeof(path), "%s/self/timens_offsets", proc);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%31s %" SCNd64 " %" SCNd64, clock, &seconds, &nanoseconds) == 3 &&
		    strcmp(clock, "boottime") == 0)
			return seconds || nanoseconds;
	}
	return false;
}

int namespaces_check_time(const char *proc, struct error *error)
{
	ino_t inode = 0;

	if (read_own(proc, "time", &inode) < 0 || inode == NAMESPACES_HOST_TIME ||
	    !has_boot_offset(proc))
		return 0;
	return error_set(error, -EOPNOTSUPP,
			 "this is a time namespace with a clock of its own: start times of "
			 "processes are not the host's; run it in the host's: "
			 "nsenter --target 1 --time lastout run");
}

int namespaces_check_cgroups(const struct hierarchy *hierarchy, struct error *error)
{
	uint64_t id;

	if (cgroupfs_read_id(hierarchy, "/", &id) < 0 || id == CGROUP_ROOT_ID)
		return 0;
	return error_set(error, -EOPNOTSUPP,
			 "%s shows only a part of the host's cgroups, as in a cgroup namespace of "
			 "its own; mount the host's /sys/fs/cgroup there, or use --cgroupns host "
			 "with docker run",
			 hierarchy->mount);
}
