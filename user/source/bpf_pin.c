// SPDX-License-Identifier: Apache-2.0
/*
 * Pins: maps and links with names in bpffs, so that the count goes on without us. A set of them is a
 * folder, 1, 2, …; a set is whole once it has its map `version`, which is pinned last, and settled
 * once that says so. Only a settled one is gone on with: whoever made another has died before
 * everybody was counted.
 */
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
#include <unistd.h>

#include "base/cleanup.h"
#include "source/bpf_private.h"

#define VERSION_NAME "version"
#define LINK_PREFIX  "link_"
/* Pinned beside its link, because to open a program by the link's word for it takes CAP_SYS_ADMIN. */
#define PROGRAM_PREFIX "program_"

static int path_join(char *ret_path, size_t size, const char *folder, const char *prefix,
		     const char *name)
{
	int len = snprintf(ret_path, size, "%s/%s%s", folder, prefix, name);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* --- one set --- */

/* Read-only data and the version are each build's own. All else may be gone on with by another. */
static bool is_shared_map(const struct lastout_bpf *skeleton, const struct bpf_map *map)
{
	return map != skeleton->maps.rodata && map != skeleton->maps.version;
}

/* `lastout_.bss`: bpffs keeps dots for itself. */
static const char *map_file(const struct lastout_bpf *skeleton, const struct bpf_map *map)
{
	return map == skeleton->maps.bss ? "bss" : bpf_map__name(map);
}

static int read_version(const char *path, struct abi_version *ret_version)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), zero = 0;
	char file[PATH_MAX], value[1024];
	int err = path_join(file, sizeof(file), path, "", VERSION_NAME);
	_cleanup_close_ int fd = err ? -1 : bpf_obj_get(file);

	if (fd < 0)
		return err ? err : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (info.value_size > sizeof(value))
		return -EINVAL;
	if (bpf_map_lookup_elem(fd, &zero, value) < 0)
		return -errno;
	/* Later layouts add to the end: what both have is in the same place. */
	memset(ret_version, 0, sizeof(*ret_version));
	memcpy(ret_version, value,
	       info.value_size < sizeof(*ret_version) ? info.value_size : sizeof(*ret_version));
	return 0;
}

void bpf_pin_remove(const char *set_path)
{
	_cleanup_closedir_ DIR *folder = opendir(set_path);
	const struct dirent *entry;
	char file[PATH_MAX];

	/* First what says that it is whole. */
	if (path_join(file, sizeof(file), set_path, "", VERSION_NAME) == 0)
		(void)unlink(file);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.' &&
		    path_join(file, sizeof(file), set_path, "", entry->d_name) == 0)
			(void)unlink(file);
	}
	(void)rmdir(set_path); /* not empty: somebody put something else there */
}

int bpf_pin_share_maps(const struct bpf_pin_set *set, struct lastout_bpf *skeleton)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		char file[PATH_MAX];
		int fd, err;

		if (!is_shared_map(skeleton, map))
			continue;
		err = path_join(file, sizeof(file), set->path, "", map_file(skeleton, map));
		if (err)
			return err;
		fd = bpf_obj_get(file);
		if (fd < 0)
			return -errno;
		err = bpf_map__reuse_fd(map, fd); /* takes a copy */
		(void)close(fd);
		if (err)
			return err;
	}
	return 0;
}

int bpf_pin_open_containers(const struct bpf_pin_set *set)
{
	char file[PATH_MAX];
	int err = path_join(file, sizeof(file), set->path, "", "containers");

	return err ? err : bpf_obj_get(file);
}

int bpf_pin_open_programs(const struct bpf_pin_set *set, struct bpf_source *source)
{
	_cleanup_closedir_ DIR *folder = opendir(set->path);
	const struct dirent *entry;
	char file[PATH_MAX];

	if (!folder)
		return -errno;
	while ((entry = readdir(folder))) {
		int fd;

		if (strncmp(entry->d_name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) != 0)
			continue;
		if (source->program_count == SOURCE_PROGRAMS_MAX)
			return -E2BIG;
		if (path_join(file, sizeof(file), set->path, "", entry->d_name) < 0)
			return -ENAMETOOLONG;
		fd = bpf_obj_get(file);
		if (fd < 0)
			return -errno;
		source->programs[source->program_count++] = fd;
	}
	return source->program_count ? 0 : -ENOENT;
}

/* --- the directory of sets --- */

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static int make_directory(const char *path, struct error *error)
{
	char parent[256];
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = '\0';
	if (!is_bpffs(path) && !is_bpffs(parent))
		return error_set(
			error, -EOPNOTSUPP,
			"%s is in no BPF file system, so nothing would count while lastout "
			"is not running; mount one: mount -t bpf bpf /sys/fs/bpf",
			path);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(error, -errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

int bpf_pin_lock(const char *directory, int *ret_fd, struct error *error)
{
	_cleanup_close_ int fd = -1;
	int err = make_directory(directory, error);

	if (err)
		return err;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, -errno,
				 errno == EWOULDBLOCK ?
					 "another agent is running: it holds %s; stop it, or give "
					 "this one its own --pin and --socket" :
					 "cannot lock %s",
				 directory);
	*ret_fd = STEAL_FD(fd);
	return 0;
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
		    path_join(set.path, sizeof(set.path), directory, "", entry->d_name) < 0)
			continue;
		set.is_whole = read_version(set.path, &set.version) == 0;
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

static int pin_maps(struct bpf_source *source)
{
	struct lastout_bpf *skeleton = source->skeleton;
	struct bpf_map *map;
	char file[PATH_MAX];
	int err;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		if (!is_shared_map(skeleton, map))
			continue;
		err = path_join(file, sizeof(file), source->pins, "", map_file(skeleton, map));
		if (!err && bpf_obj_pin(bpf_map__fd(map), file) < 0)
			err = -errno;
		if (err)
			return err;
	}
	return 0;
}

static int pin_one(const struct bpf_source *source, int fd, const char *prefix, const char *name)
{
	char file[PATH_MAX];
	int err = path_join(file, sizeof(file), source->pins, prefix, name);

	return !err && bpf_obj_pin(fd, file) < 0 ? -errno : err;
}

static int pin_programs(struct bpf_source *source)
{
	const struct bpf_object_skeleton *all = source->skeleton->skeleton;

	for (int i = 0; i < all->prog_cnt; i++) {
		const struct bpf_link *link = *all->progs[i].link;
		bool is_iterator = link == source->skeleton->links.adopt ||
				   link == source->skeleton->links.sweep;
		int err;

		if (!link || is_iterator)
			continue;
		err = pin_one(source, bpf_link__fd(link), LINK_PREFIX, all->progs[i].name);
		if (!err)
			err = pin_one(source, bpf_program__fd(*all->progs[i].prog), PROGRAM_PREFIX,
				      all->progs[i].name);
		if (err)
			return err;
	}
	return 0;
}

/*
 * A set of its own, also where the maps are those of the old set: but for `version`, which tells of
 * the programs, too.
 */
static int pin_version(struct bpf_source *source)
{
	int fd = bpf_map__fd(source->skeleton->maps.version);
	uint32_t zero = 0;
	char file[PATH_MAX];
	int err = path_join(file, sizeof(file), source->pins, "", VERSION_NAME);

	if (!err && bpf_map_update_elem(fd, &zero, &source->version, BPF_ANY) < 0)
		err = -errno;
	if (!err && bpf_obj_pin(fd, file) < 0)
		err = -errno;
	return err;
}

int bpf_pin_make(struct bpf_source *source, struct error *error)
{
	struct search search = {0};
	char name[16];
	int err = for_each_set(source->options.pin, consider, &search);

	(void)snprintf(name, sizeof(name), "%u", search.last_number + 1);
	if (!err)
		err = path_join(source->pins, sizeof(source->pins), source->options.pin, "", name);
	if (!err && mkdir(source->pins, 0700) < 0)
		err = -errno;
	if (!err)
		err = pin_maps(source);
	if (!err)
		err = pin_programs(source);
	if (!err)
		err = pin_version(source);
	if (err && source->pins[0]) {
		bpf_pin_remove(source->pins);
		source->pins[0] = '\0';
	}
	return err ? error_set(error, err, "cannot pin maps and programs in %s: %s",
			       source->options.pin, strerror(-err)) :
		     0;
}

int bpf_pin_settle(struct bpf_source *source)
{
	uint32_t zero = 0;

	source->version.is_settled = 1;
	return bpf_map_update_elem(bpf_map__fd(source->skeleton->maps.version), &zero,
				   &source->version, BPF_ANY) < 0 ?
		       -errno :
		       0;
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
	unsigned count = 0;
	int err = for_each_set(directory, remove_any, &count);

	if (err && err != -ENOENT)
		return error_set(error, err, "cannot read %s: %s", directory, strerror(-err));
	*ret_count = count;
	return 0;
}

static void describe(void *context, unsigned number, const struct bpf_pin_set *set)
{
	struct error *text = context;

	(void)number;
	(void)error_set(text, 0, "%s, layout %u, %s hooks%s", set->path, set->version.layout,
			set->version.is_classic ? "classic" : "btf",
			is_settled(set) ? "" : ", not settled");
}

int bpf_source_describe_pins(const char *directory, struct error *ret_text)
{
	int err;

	ret_text->text[0] = '\0';
	err = for_each_set(directory, describe, ret_text);
	if (err)
		return err;
	return ret_text->text[0] ? 0 : -ENOENT;
}
