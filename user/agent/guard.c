// SPDX-License-Identifier: Apache-2.0
#include "agent/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/procfs.h"

/* The same cgroup, or one nested in it. */
static bool is_within(const char *path, const char *container)
{
	size_t len = strlen(container);

	return strncmp(path, container, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static int check_identity(struct watch *watch, const struct container *container)
{
	struct procfs_stat stat;
	int err = procfs_read_stat(watch_proc(watch), container->init.pid, &stat);

	if (err)
		return err;
	if (!procfs_is_start(&stat, container->init.start_ns) || stat.state == 'Z' ||
	    stat.state == 'X')
		return -ESRCH;
	return 0;
}

static int check_cgroup(struct watch *watch, const struct container *container, struct error *error)
{
	char path[PATH_MAX];
	int err = procfs_read_cgroup(watch_proc(watch), container->init.pid,
				     watch_hierarchy(watch)->controller, path, sizeof(path));

	if (err)
		return error_set(error, err, "its cgroup cannot be read: %s", strerror(-err));
	if (!is_within(path, container->path))
		return error_set(error, -EPERM, "it has left the container's cgroup");
	return 0;
}

/* Whoever ends the PID 1 of a namespace ends everybody in it: it must be this container's own. */
static int check_pid_namespace(struct watch *watch, const struct container *container,
			       struct error *error)
{
	const char *proc = watch_proc(watch);
	pid_t pid = container->init.pid, ns_pid;
	const struct container *other;
	ino_t inode, own;
	int err;

	err = procfs_read_pid_namespace(proc, pid, &inode);
	if (!err)
		err = procfs_read_pid_namespace(proc, getpid(), &own);
	if (!err)
		err = procfs_read_ns_pid(proc, pid, &ns_pid);
	if (err)
		return error_set(error, err, "its PID namespace cannot be read: %s",
				 strerror(-err));
	if (inode == PROCFS_HOST_PID_NAMESPACE || inode == own)
		return error_set(error, -EPERM, "it is in the host's PID namespace");
	if (ns_pid != 1)
		return error_set(error, -EPERM,
				 "it is not PID 1 of its PID namespace: a shared one");
	other = watch_find_pid_namespace(watch, container, inode);
	if (other)
		return error_set(error, -EPERM, "its PID namespace is shared with container %s",
				 other->identity.id);
	return 0;
}

int guard_check_init(struct watch *watch, const struct container *container, struct error *error)
{
	pid_t pid = container->init.pid;
	int err;

	if (pid <= 1 || pid == getpid())
		return error_set(error, -EPERM, "its init is the host's, or lastout itself");
	if (strcmp(container->init.comm, "pause") == 0)
		return error_set(error, -EPERM, "it is a pod's pause container");
	err = check_identity(watch, container);
	if (err)
		return error_set(error, err, "init cannot be looked at: %s", strerror(-err));
	err = check_cgroup(watch, container, error);
	if (err)
		return err;
	return check_pid_namespace(watch, container, error);
}

static void look_at(struct watch *watch, const struct container *container, pid_t pid,
		    struct member *member)
{
	member->pid = pid;
	member->role = bpf_source_role(watch_source(watch), pid, container->cgroup);
	/* The one look that costs, only where it may change the answer. */
	if (pid != container->init.pid && member->role != ROLE_HELPER)
		member->is_dying = procfs_is_dying(watch_proc(watch), pid);
}

int guard_find_holder(struct watch *watch, const struct container *container, bool injected_holds,
		      struct member *ret_holder)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct member member = {0};
	size_t count = 0;
	int err;

	err = cgroupfs_read_procs(watch_hierarchy(watch), container->path, &pids, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		memset(&member, 0, sizeof(member));
		look_at(watch, container, pids[i], &member);
		if (verify_holds(&member, container->init.pid, injected_holds)) {
			*ret_holder = member;
			return 0;
		}
	}
	memset(ret_holder, 0, sizeof(*ret_holder));
	return 0;
}

bool guard_is_paused(struct watch *watch, const struct container *container)
{
	const struct hierarchy *hierarchy = watch_hierarchy(watch);
	char path[PATH_MAX] = "";

	if (hierarchy->controller[0] && procfs_read_cgroup(watch_proc(watch), container->init.pid,
							   "freezer", path, sizeof(path)) < 0)
		return false; /* init is gone, or there is no freezer that could hold it */
	return cgroupfs_is_frozen(hierarchy, container->path, path);
}
