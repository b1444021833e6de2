// SPDX-License-Identifier: Apache-2.0
#include "sys/state_dir.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *folder;
	enum runtime runtime;
} state_folders[] = {
	{"runc", RUNTIME_RUNC},
	{"crun", RUNTIME_CRUN},
};

static bool is_folder(const char *path)
{
	struct stat stat_buf;

	return lstat(path, &stat_buf) == 0 && S_ISDIR(stat_buf.st_mode);
}

/* A component of a cgroup path has no slash; cgroupfs has no entries `.` and `..` of its own. */
static bool is_plain(const char *name, size_t len)
{
	return len > 0 && len < sizeof(((struct cgroup_identity *)0)->id) && name[0] != '.';
}

bool state_dir_identify(const char *run, const char *path, struct cgroup_identity *ret_identity)
{
	struct cgroup_identity identity = {0};
	const char *name = strrchr(path, '/'), *parent;
	char folder[PATH_MAX];
	int len;

	if (!name || !is_plain(name + 1, strlen(name + 1)))
		return false;
	(void)snprintf(identity.id, sizeof(identity.id), "%s", name + 1);
	for (unsigned i = 0; i < sizeof(state_folders) / sizeof(state_folders[0]); i++) {
		(void)snprintf(folder, sizeof(folder), "%s/%s/%s", run, state_folders[i].folder,
			       identity.id);
		if (is_folder(folder)) {
			identity.runtime = state_folders[i].runtime;
			*ret_identity = identity;
			return true;
		}
	}
	/* "/default/web": namespace and id, as containerd's task folder has them. */
	for (parent = name; parent > path && parent[-1] != '/'; parent--)
		;
	if (!is_plain(parent, (size_t)(name - parent)))
		return false;
	len = snprintf(folder, sizeof(folder), "%s/containerd/io.containerd.runtime.v2.task/%s",
		       run, parent);
	if (len < 0 || len >= (int)sizeof(folder) || !is_folder(folder))
		return false;
	identity.runtime = RUNTIME_CONTAINERD;
	*ret_identity = identity;
	return true;
}
