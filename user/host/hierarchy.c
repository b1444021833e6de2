// SPDX-License-Identifier: Apache-2.0
/* Which hierarchy holds the containers: from the mount table. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/hierarchy.h"

/*
 * v1 controllers in the order of choice. All that runtimes set up will do; those at the head are
 * the ones least often moved to v2 on a hybrid host.
 */
static const char *const preferred[] = {"pids", "memory", "devices", "freezer",
					"cpu",	"cpuset", "blkio"};

enum { PREFERRED_COUNT = sizeof(preferred) / sizeof(preferred[0]) };

struct mounts {
	char unified[512];
	char v1[PREFERRED_COUNT][512];
};

static void note_mount(struct mounts *mounts, const struct mntent *entry)
{
	if (strcmp(entry->mnt_type, "cgroup2") == 0) {
		if (!mounts->unified[0])
			(void)snprintf(mounts->unified, sizeof(mounts->unified), "%s",
				       entry->mnt_dir);
		return;
	}
	if (strcmp(entry->mnt_type, "cgroup") != 0)
		return;
	for (unsigned i = 0; i < PREFERRED_COUNT; i++) {
		if (hasmntopt(entry, preferred[i]) && !mounts->v1[i][0])
			(void)snprintf(mounts->v1[i], sizeof(mounts->v1[i]), "%s", entry->mnt_dir);
	}
}

/* `mounts` begins empty. */
static int read_mounts(const char *proc, struct mounts *mounts, struct error *error)
{
	struct mntent entry;
	char path[256], line[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/self/mounts", proc);
	file = setmntent(path, "re");
	if (!file)
		return error_set(error, -errno, "cannot read %s: %s", path, strerror(errno));
	while (getmntent_r(file, &entry, line, sizeof(line)))
		note_mount(mounts, &entry);
	(void)endmntent(file);
	return 0;
}

/* The number of a v1 hierarchy: second column of /proc/cgroups. */
static int read_hierarchy_id(const char *proc, const char *controller, uint32_t *ret_id)
{
	char path[256], line[256], name[64];
	_cleanup_fclose_ FILE *file = NULL;
	unsigned id;

	(void)snprintf(path, sizeof(path), "%s/cgroups", proc);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %u", name, &id) == 2 && strcmp(name, controller) == 0) {
			*ret_id = id;
			return 0;
		}
	}
	return -ENOENT;
}

static int choose_v1(const char *proc, const struct mounts *mounts, unsigned index,
		     struct hierarchy *hierarchy, struct error *error)
{
	int err;

	(void)snprintf(hierarchy->mount, sizeof(hierarchy->mount), "%s", mounts->v1[index]);
	(void)snprintf(hierarchy->controller, sizeof(hierarchy->controller), "%s",
		       preferred[index]);
	for (unsigned i = 0; i < PREFERRED_COUNT; i++) {
		if (strcmp(preferred[i], "freezer") == 0)
			memcpy(hierarchy->freezer, mounts->v1[i], sizeof(hierarchy->freezer));
		if (strcmp(preferred[i], "memory") == 0)
			memcpy(hierarchy->memory, mounts->v1[i], sizeof(hierarchy->memory));
	}
	err = read_hierarchy_id(proc, preferred[index], &hierarchy->id);
	if (err)
		return error_set(error, err, "%s/cgroups does not list the controller '%s'", proc,
				 preferred[index]);
	return 0;
}

int hierarchy_detect(const char *proc, struct hierarchy *ret_hierarchy, struct error *error)
{
	struct hierarchy hierarchy = {0};
	struct mounts mounts = {0};
	int err = read_mounts(proc, &mounts, error);

	if (err)
		return err;
	/* On a hybrid host the unified hierarchy is there as well, and often empty. */
	for (unsigned i = 0; i < PREFERRED_COUNT; i++) {
		if (!mounts.v1[i][0])
			continue;
		err = choose_v1(proc, &mounts, i, &hierarchy, error);
		if (err)
			return err;
		*ret_hierarchy = hierarchy;
		return 0;
	}
	if (!mounts.unified[0])
		return error_set(error, -ENOENT,
				 "no cgroup hierarchy is mounted; mount one: "
				 "mount -t cgroup2 none /sys/fs/cgroup");
	(void)snprintf(hierarchy.mount, sizeof(hierarchy.mount), "%s", mounts.unified);
	*ret_hierarchy = hierarchy;
	return 0;
}

void hierarchy_describe(const struct hierarchy *hierarchy, char *buf, size_t size)
{
	if (hierarchy->controller[0])
		(void)snprintf(buf, size, "v1 (%s) at %s", hierarchy->controller, hierarchy->mount);
	else
		(void)snprintf(buf, size, "v2 at %s", hierarchy->mount);
}
