// SPDX-License-Identifier: Apache-2.0
/* What is mounted in the guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "guest.h"

#define TRACEFS "/sys/kernel/tracing"
#define V2	"/sys/fs/cgroup"
#define PIDS	"/sys/fs/cgroup/pids"
#define FREEZER "/sys/fs/cgroup/freezer"
#define UNIFIED "/sys/fs/cgroup/unified"

const struct ground ground_v2 = {"v2", V2, NULL};
const struct ground ground_v1 = {"v1", PIDS, FREEZER};
const struct ground ground_hybrid = {"hybrid", PIDS, FREEZER};

static void mount_at(const char *type, const char *path, const char *options)
{
	(void)mkdir(path, 0755); /* there already, mostly */
	if (mount(type, path, type, MS_NOSUID | MS_NODEV, options) < 0)
		err(1, "mount %s at %s", type, path);
}

static void unmount_at(const char *path)
{
	if (umount(path) < 0)
		err(1, "umount %s", path);
}

void ground_mount_basics(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	(void)mkdir("/dev", 0755);
	/* The kernel may have done it. */
	if (mount("dev", "/dev", "devtmpfs", MS_NOSUID, NULL) < 0 && errno != EBUSY)
		err(1, "mount devtmpfs");
	mount_at("tmpfs", "/tmp", NULL);
	mount_at("tmpfs", "/run", NULL);
	mount_at("bpf", "/sys/fs/bpf", NULL);
}

void ground_mount(const struct ground *ground)
{
	if (ground == &ground_v2) {
		mount_at("cgroup2", V2, NULL);
		return;
	}
	mount_at("tmpfs", V2, NULL);
	mount_at("cgroup", PIDS, "pids");
	mount_at("cgroup", FREEZER, "freezer");
	if (ground == &ground_hybrid)
		mount_at("cgroup2", UNIFIED, NULL);
}

void ground_unmount(const struct ground *ground)
{
	if (ground == &ground_hybrid)
		unmount_at(UNIFIED);
	if (ground->freezer) {
		unmount_at(FREEZER);
		unmount_at(PIDS);
	}
	unmount_at(V2);
}

void ground_set_tracefs(bool is_mounted)
{
	if (is_mounted)
		mount_at("tracefs", TRACEFS, NULL);
	else if (umount(TRACEFS) < 0 && errno != EINVAL)
		err(1, "umount " TRACEFS);
}

/* As major * 1000 + minor. */
static int kernel(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	(void)uname(&name);
	(void)sscanf(name.release, "%d.%d", &major, &minor);
	return major * 1000 + minor;
}

const char *ground_hooks(bool has_tracefs)
{
	return has_tracefs && kernel() >= 5015 ? "classic" : "btf";
}

const char *ground_better_hooks(bool has_tracefs)
{
	return has_tracefs && !ground_is_lossless() ? "classic" : "btf";
}

bool ground_is_lossless(void)
{
	return kernel() < 7000;
}
