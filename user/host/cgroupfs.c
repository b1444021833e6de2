// SPDX-License-Identifier: Apache-2.0
#include "host/cgroupfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/file.h"

static int full_path(const struct hierarchy *hierarchy, const char *path, char *ret_path,
		     size_t size)
{
	int len = snprintf(ret_path, size, "%s%s", hierarchy->mount, path);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* Removed since it was listed. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

/* Where a walk is: the path is extended and cut back in place. */
struct walk {
	char path[PATH_MAX]; /* with the mount in front */
	size_t skip;	     /* length of the mount */
	cgroupfs_visit_fn visit;
	void *context;
};

static int walk_below(struct walk *walk, size_t len);

static int walk_into(struct walk *walk, size_t len, uint64_t id)
{
	struct stat stat_buf;

	if (!walk->visit(walk->context, walk->path[walk->skip] ? walk->path + walk->skip : "/", id))
		return 0;
	/*
	 * A directory has one link for each one in it, besides its own two (kernfs has counted so since
	 * 3.14): most cgroups have none, and their dozens of files need not be listed. Looked at after
	 * the visit, as a listing would be, so that what is moved into a new one meanwhile is met.
	 */
	if (lstat(walk->path, &stat_buf) < 0)
		return -errno;
	return stat_buf.st_nlink == 2 ? 0 : walk_below(walk, len);
}

static int is_nested(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
	       strcmp(entry->d_name, "..") != 0;
}

static int walk_named(struct walk *walk, size_t len, const struct dirent *entry)
{
	int added = snprintf(walk->path + len, sizeof(walk->path) - len, "/%s", entry->d_name);
	int err;

	if (added < 0 || (size_t)added >= sizeof(walk->path) - len)
		return -ENAMETOOLONG;
	err = walk_into(walk, len + (size_t)added, entry->d_ino);
	return is_gone(err) ? 0 : err;
}

/* Lists first and goes into them then, so that a deep tree does not take a descriptor a level. */
static int walk_below(struct walk *walk, size_t len)
{
	struct dirent **entries = NULL;
	int count = scandir(walk->path, &entries, is_nested, NULL), err = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		if (!err)
			err = walk_named(walk, len, entries[i]);
		free(entries[i]);
	}
	free(entries);
	walk->path[len] = '\0';
	return err;
}

/* Every directory below `path`, itself included with the id that is given for it, parents first. */
static int walk_from(const struct hierarchy *hierarchy, const char *path, uint64_t id,
		     cgroupfs_visit_fn visit, void *context)
{
	struct walk walk = {.skip = strlen(hierarchy->mount), .visit = visit, .context = context};
	int err = full_path(hierarchy, path, walk.path, sizeof(walk.path));

	return err ? err : walk_into(&walk, strlen(walk.path), id);
}

int cgroupfs_walk(const struct hierarchy *hierarchy, cgroupfs_visit_fn visit, void *context)
{
	uint64_t id = 0;
	int err = cgroupfs_read_id(hierarchy, "", &id);

	return err ? err : walk_from(hierarchy, "", id, visit, context);
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

/* Adds the whole numbers in `text`; what is left of the last line is moved to the front. */
static int take_lines(struct pid_list *list, char *text, size_t *len)
{
	char *line = text, *end;

	text[*len] = '\0';
	while ((end = strchr(line, '\n'))) {
		char *rest;
		long pid = strtol(line, &rest, 10);
		int err = rest == end && rest > line ? pid_list_add(list, (pid_t)pid) : -EINVAL;

		if (err)
			return err;
		line = end + 1;
	}
	*len -= (size_t)(line - text);
	memmove(text, line, *len);
	return 0;
}

static int read_procs_file(struct pid_list *list, const char *path)
{
	char full[PATH_MAX], text[4096];
	_cleanup_close_ int fd = -1;
	size_t len = 0;
	int err;

	if (snprintf(full, sizeof(full), "%s%s/cgroup.procs", list->hierarchy->mount, path) >=
	    (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, text + len, sizeof(text) - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return len ? -EINVAL : 0;
		len += (size_t)got;
		err = take_lines(list, text, &len);
		if (err)
			return err;
	}
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
	int err = walk_from(hierarchy, path, 0, visit_procs, &list); /* who asks no id */

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
		if (file_read_once(full, text, sizeof(text)) < 0)
			return false;
		return strncmp(text, "THAWED", 6) != 0; /* FROZEN, FREEZING */
	}
	/* cgroup.freeze is the wish, cgroup.events what is, also through an ancestor. */
	(void)snprintf(full, sizeof(full), "%s%s/cgroup.freeze", hierarchy->mount, path);
	if (file_read_once(full, text, sizeof(text)) > 0 && text[0] == '1')
		return true;
	(void)snprintf(full, sizeof(full), "%s%s/cgroup.events", hierarchy->mount, path);
	return file_read_once(full, text, sizeof(text)) > 0 && strstr(text, "frozen 1");
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
	len = file_read_once(full, text, sizeof(text));
	if (len < 0)
		return len;
	bytes = strtoull(text, &end, 10);
	if (end == text)
		return -EINVAL;
	*ret_bytes = bytes;
	return 0;
}
