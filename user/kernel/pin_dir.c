// SPDX-License-Identifier: Apache-2.0
/* The directory of sets of pins: whose it is for now, which set to go on with, what is in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static int check_place(const char *path, struct error *error)
{
	char parent[256];
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = '\0';
	if (is_bpffs(path) || is_bpffs(parent))
		return 0;
	return error_set(error, -EOPNOTSUPP,
			 "%s is in no BPF file system, so nothing would count while lastout "
			 "is not running; mount one: mount -t bpf bpf /sys/fs/bpf",
			 path);
}

/* Whoever held it before may have removed it in its last moment: then we hold what has no name. */
static bool is_same_directory(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

static int lock(const char *directory, int *ret_fd, struct error *error)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (!is_same_directory(fd, directory))
			return error_set(error, -ESTALE, "%s has just been removed", directory);
		*ret_fd = STEAL_FD(fd);
		return 0;
	}
	if (errno == EWOULDBLOCK)
		return error_set(error, -EWOULDBLOCK,
				 "another agent is running: it holds %s; stop it, or give this one "
				 "its own --pin and --socket",
				 directory);
	return error_set(error, -errno, "cannot lock %s: %s", directory, strerror(errno));
}

int bpf_pin_lock(const char *directory, int *ret_fd, struct error *error)
{
	/* One who was killed just now holds it for a moment yet, if a child of its is about to follow. */
	static const struct timespec moment = {.tv_nsec = 20000000};
	int err = check_place(directory, error), tries = 15;

	if (err)
		return err;
	do {
		if (mkdir(directory, 0700) < 0 && errno != EEXIST)
			return error_set(error, -errno, "cannot make %s: %s", directory,
					 strerror(errno));
		err = lock(directory, ret_fd, error);
		if (err == -EWOULDBLOCK)
			(void)nanosleep(&moment, NULL);
	} while ((err == -ESTALE || err == -ENOENT || err == -EWOULDBLOCK) && --tries);
	return err;
}

/* A set's folder is a number without anything else; 0: it is none. */
static unsigned set_number(const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	return name[0] < '1' || name[0] > '9' || *end || number > UINT32_MAX / 2 ? 0 :
										   (unsigned)number;
}

typedef void (*set_fn)(void *context, unsigned number, const struct bpf_pin_set *set);

static int for_each_set(const char *directory, set_fn visit, void *context)
{
	_cleanup_closedir_ DIR *folder = opendir(directory);
	const struct dirent *entry;

	if (!folder)
		return -errno;
	while ((entry = readdir(folder))) {
		struct bpf_pin_set set = {0};
		unsigned number = set_number(entry->d_name);

		if (!number ||
		    bpf_pin_join(set.path, sizeof(set.path), directory, "", entry->d_name) < 0)
			continue;
		set.is_whole = bpf_pin_read_version(set.path, &set.version) == 0;
		visit(context, number, &set);
	}
	return 0;
}

struct search {
	struct bpf_pin_set best;
	unsigned best_number;
	unsigned last_number;
};

static bool is_settled(const struct bpf_pin_set *set)
{
	return set->is_whole && set->version.is_settled;
}

static void consider(void *context, unsigned number, const struct bpf_pin_set *set)
{
	struct search *search = context;

	if (number > search->last_number)
		search->last_number = number;
	if (is_settled(set) && number > search->best_number) {
		search->best = *set;
		search->best_number = number;
	}
}

static void remove_unless_best(void *context, unsigned number, const struct bpf_pin_set *set)
{
	const struct search *search = context;

	if (number != search->best_number)
		bpf_pin_remove(set->path);
}

int bpf_pin_find(const char *directory, struct bpf_pin_set *ret_set, struct error *error)
{
	struct search search = {0};
	int err = for_each_set(directory, consider, &search);

	if (!err)
		err = for_each_set(directory, remove_unless_best, &search);
	if (err)
		return error_set(error, err, "cannot read %s: %s", directory, strerror(-err));
	if (!search.best_number)
		return error_set(error, -ENOENT, "there are no pins in %s", directory);
	*ret_set = search.best;
	return 0;
}

int bpf_pin_next_number(const char *directory, unsigned *ret_number)
{
	struct search search = {0};
	int err = for_each_set(directory, consider, &search);

	if (!err)
		*ret_number = search.last_number + 1;
	return err;
}

static void remove_any(void *context, unsigned number, const struct bpf_pin_set *set)
{
	unsigned *count = context;

	(void)number;
	bpf_pin_remove(set->path);
	(*count)++;
}

int bpf_source_unpin(const char *directory, unsigned *ret_count, struct error *error)
{
	_cleanup_close_ int fd = -1;
	unsigned count = 0;
	int err = check_place(directory, error);

	if (!err)
		err = lock(directory, &fd, error);
	if (err == -ENOENT) {
		*ret_count = 0;
		return 0;
	}
	if (err)
		return err;
	err = for_each_set(directory, remove_any, &count);
	if (err)
		return error_set(error, err, "cannot read %s: %s", directory, strerror(-err));
	(void)rmdir(directory); /* not empty: somebody put something else there */
	*ret_count = count;
	return 0;
}

static void describe(const struct bpf_pin_set *set, struct error *ret_text)
{
	(void)error_set(ret_text, 0, "%s counts, with %s hooks and layout %u", set->path,
			set->version.is_classic ? "classic" : "btf", set->version.layout);
}

int bpf_source_describe_pins(const char *directory, struct error *ret_text)
{
	struct search search = {0};
	int err = check_place(directory, ret_text);

	if (err)
		return err;
	err = for_each_set(directory, consider, &search);
	if (err && err != -ENOENT)
		return error_set(ret_text, err, "cannot read %s: %s", directory, strerror(-err));
	if (search.best_number)
		describe(&search.best, ret_text);
	else if (search.last_number)
		(void)error_set(ret_text, 0, "half made ones in %s; `lastout run` replaces them",
				directory);
	else
		(void)error_set(ret_text, 0, "none yet in %s; `lastout run` makes them", directory);
	return 0;
}
