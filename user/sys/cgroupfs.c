// SPDX-License-Identifier: Apache-2.0
#include "sys/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sys/file.h"

static int full_path(const struct hierarchy *hierarchy, const char *path, char *ret_path,
		     size_t size)
{
	int len = snprintf(ret_path, size, "%s%s", hierarchy->mount, path);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static void fts_done(FTS **fts)
{
	if (*fts)
		(void)fts_close(*fts);
}

static bool is_unread(const FTSENT *entry)
{
	return entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR ||
	       entry->fts_info == FTS_ERR;
}

/* Removed since it was listed. */
static bool is_gone(int err)
{
	return err == ENOENT || err == ENODEV;
}

/* Every directory below `path`, itself included, parents first. */
static int walk(const struct hierarchy *hierarchy, const char *path, cgroupfs_visit_fn visit,
		void *context)
{
	char root[PATH_MAX];
	char *roots[] = {root, NULL};
	_cleanup_(fts_done) FTS *fts = NULL;
	FTSENT *entry;
	size_t skip = strlen(hierarchy->mount);
	int err = full_path(hierarchy, path, root, sizeof(root));

	if (err)
		return err;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!fts)
		return -errno;
	for (;;) {
		const char *relative;

		errno = 0;
		entry = fts_read(fts);
		if (!entry)
			return -errno; /* 0 at the end */
		relative = entry->fts_path + skip;
		if (is_unread(entry) && (entry->fts_level == 0 || !is_gone(entry->fts_errno)))
			return -entry->fts_errno;
		if (entry->fts_info != FTS_D)
			continue;
		if (!visit(context, *relative ? relative : "/", entry->fts_statp->st_ino))
			(void)fts_set(fts, entry, FTS_SKIP);
	}
}

int cgroupfs_walk(const struct hierarchy *hierarchy, cgroupfs_visit_fn visit, void *context)
{
	return walk(hierarchy, "", visit, context);
}

int cgroupfs_read_id(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id)
{
	char full[PATH_MAX];
	struct stat stat_buf;
	int err = full_path(hierarchy, path, full, sizeof(full));

	if (err)
		return err;
	/* The inode number is the kernfs node's id, in v1 and v2, since 5.5. */
	if (stat(full, &stat_buf) < 0)
		return -errno;
	*ret_id = stat_buf.st_ino;
	return 0;
}

struct pid_list {
	const struct hierarchy *hierarchy;
	pid_t *pids;
	size_t count, cap;
	int err;
};

static int pid_list_add(struct pid_list *list, pid_t pid)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 32;
		pid_t *pids = reallocarray(list->pids, cap, sizeof(*pids));

		if (!pids)
			return -ENOMEM;
		list->pids = pids;
		list->cap = cap;
	}
	list->pids[list->count++] = pid;
	return 0;
}

static int read_procs_file(struct pid_list *list, const char *path)
{
	_cleanup_fclose_ FILE *file = NULL;
	char full[PATH_MAX];
	int pid, err, fields;

	if (snprintf(full, sizeof(full), "%s%s/cgroup.procs", list->hierarchy->mount, path) >=
	    (int)sizeof(full))
		return -ENAMETOOLONG;
	file = fopen(full, "re");
	if (!file)
		return -errno;
	while ((fields = fscanf(file, "%d", &pid)) == 1) {
		err = pid_list_add(list, pid);
		if (err)
			return err;
	}
	if (ferror(file))
		return -errno;
	return fields == EOF ? 0 : -EINVAL;
}

static bool visit_procs(void *context, const char *path, uint64_t id)
{
	struct pid_list *list = context;
	int err;

	(void)id;
	if (list->err)
		return false;
	err = read_procs_file(list, path);
	/* Removed since, or a threaded cgroup, whose processes its parent lists. */
	if (err && err != -ENOENT && err != -ENODEV && err != -EOPNOTSUPP)
		list->err = err;
	return true;
}

int cgroupfs_read_procs(const struct hierarchy *hierarchy, const char *path, pid_t **ret_pids,
			size_t *ret_count)
{
	struct pid_list list = {.hierarchy = hierarchy};
	int err = walk(hierarchy, path, visit_procs, &list);

	if (!err)
		err = list.err;
	if (err) {
		free(list.pids);
		return err;
	}
	*ret_pids = list.pids;
	*ret_count = list.count;
	return 0;
}

bool cgroupfs_is_frozen(const struct hierarchy *hierarchy, const char *path,
			const char *freezer_path)
{
	char full[PATH_MAX], text[256];

	if (hierarchy->controller[0]) {
		if (!hierarchy->freezer[0])
			return false;
		(void)snprintf(full, sizeof(full), "%s%s/freezer.state", hierarchy->freezer,
			       freezer_path);
		if (file_read_cut(full, text, sizeof(text)) < 0)
			return false;
		return strncmp(text, "THAWED", 6) != 0; /* FROZEN, FREEZING */
	}
	/* cgroup.freeze is the wish, cgroup.events what is, also through an ancestor. */
	(void)snprintf(full, sizeof(full), "%s%s/cgroup.freeze", hierarchy->mount, path);
	if (file_read_cut(full, text, sizeof(text)) > 0 && text[0] == '1')
		return true;
	(void)snprintf(full, sizeof(full), "%s%s/cgroup.events", hierarchy->mount, path);
	return file_read_cut(full, text, sizeof(text)) > 0 && strstr(text, "frozen 1");
}

int cgroupfs_read_memory(const struct hierarchy *hierarchy, const char *path,
			 const char *memory_path, uint64_t *ret_bytes)
{
	char full[PATH_MAX], text[32], *end;
	unsigned long long bytes;
	int len;

	if (hierarchy->controller[0] && !hierarchy->memory[0])
		return -ENOENT;
	len = hierarchy->controller[0] ?
		      snprintf(full, sizeof(full), "%s%s/memory.usage_in_bytes", hierarchy->memory,
			       memory_path) :
		      snprintf(full, sizeof(full), "%s%s/memory.current", hierarchy->mount, path);
	if (len < 0 || len >= (int)sizeof(full))
		return -ENAMETOOLONG;
	len = file_read_cut(full, text, sizeof(text));
	if (len < 0)
		return len;
	bytes = strtoull(text, &end, 10);
	if (end == text)
		return -EINVAL;
	*ret_bytes = bytes;
	return 0;
}
