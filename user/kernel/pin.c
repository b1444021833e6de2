// SPDX-License-Identifier: Apache-2.0
/*
 * Pins: maps and links with names in bpffs, so that the count goes on without us. A set of them is a
 * folder, 1, 2, …; a set is whole once it has its map `version`, which is pinned last, and settled
 * once that says so. Only a settled one is gone on with: whoever made another has died before
 * everybody was counted.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

#define VERSION_NAME "version"
#define LINK_PREFIX  "link_"
/* Pinned beside its link, because to open a program by the link's word for it takes CAP_SYS_ADMIN. */
#define PROGRAM_PREFIX "program_"

int bpf_pin_join(char *ret_path, size_t size, const char *folder, const char *prefix,
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

int bpf_pin_read_version(const char *path, struct abi_version *ret_version)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), zero = 0;
	char file[PATH_MAX], value[1024];
	int err = bpf_pin_join(file, sizeof(file), path, "", VERSION_NAME);
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
	if (bpf_pin_join(file, sizeof(file), set_path, "", VERSION_NAME) == 0)
		(void)unlink(file);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.' &&
		    bpf_pin_join(file, sizeof(file), set_path, "", entry->d_name) == 0)
			(void)unlink(file);
	}
	(void)rmdir(set_path); /* not empty: somebody put something else there */
}

/* A layout that somebody changed without another number for it: better no map than a wrong one. */
static bool has_our_sizes(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map);
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
		err = bpf_pin_join(file, sizeof(file), set->path, "", map_file(skeleton, map));
		if (err)
			return err;
		fd = bpf_obj_get(file);
		if (fd < 0)
			return -errno;
		err = has_our_sizes(map, fd) ? bpf_map__reuse_fd(map, fd) : -EINVAL; /* a copy */
		(void)close(fd);
		if (err)
			return err;
	}
	return 0;
}

static int open_pin(const struct bpf_pin_set *set, const char *prefix, const char *name)
{
	char file[PATH_MAX];
	int err = bpf_pin_join(file, sizeof(file), set->path, prefix, name), fd;

	if (err)
		return err;
	fd = bpf_obj_get(file);
	return fd < 0 ? -errno : fd;
}

int bpf_pin_open_map(const struct bpf_pin_set *set, const char *name)
{
	return open_pin(set, "", name);
}

/* Held, so that whoever removes the pins beneath a living agent does not switch it off. */
static int open_hook(struct bpf_source *source, const struct bpf_pin_set *set, const char *name)
{
	_cleanup_close_ int link = open_pin(set, LINK_PREFIX, name);
	_cleanup_close_ int program = open_pin(set, PROGRAM_PREFIX, name);

	if (link < 0)
		return link;
	if (program < 0)
		return program;
	source->links[source->program_count] = STEAL_FD(link);
	source->programs[source->program_count++] = STEAL_FD(program);
	return 0;
}

int bpf_pin_open_links(const struct bpf_pin_set *set, struct bpf_source *source)
{
	const struct bpf_object_skeleton *all = source->skeleton->skeleton;
	int err = 0;

	for (int i = 0; i < all->prog_cnt && !err; i++) {
		if (!bpf_load_is_hook(source->skeleton, *all->progs[i].prog,
				      set->version.is_classic))
			continue;
		if (source->program_count == SOURCE_PROGRAMS_MAX)
			return -E2BIG;
		err = open_hook(source, set, all->progs[i].name);
	}
	return err;
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
		err = bpf_pin_join(file, sizeof(file), source->pins, "", map_file(skeleton, map));
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
	int err = bpf_pin_join(file, sizeof(file), source->pins, prefix, name);

	return !err && bpf_obj_pin(fd, file) < 0 ? -errno : err;
}

static int pin_programs(struct bpf_source *source)
{
	const struct bpf_object_skeleton *all = source->skeleton->skeleton;

	for (int i = 0; i < all->prog_cnt; i++) {
		const struct bpf_link *link = *all->progs[i].link;
		int err;

		/* Not the iterators: they run when they are read. */
		if (!link || !bpf_load_is_hook(source->skeleton, *all->progs[i].prog,
					       source->version.is_classic))
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
	int err = bpf_pin_join(file, sizeof(file), source->pins, "", VERSION_NAME);

	if (!err && bpf_map_update_elem(fd, &zero, &source->version, BPF_ANY) < 0)
		err = -errno;
	if (!err && bpf_obj_pin(fd, file) < 0)
		err = -errno;
	return err;
}

int bpf_pin_make(struct bpf_source *source, struct error *error)
{
	unsigned number = 0;
	char name[16];
	int err = bpf_pin_next_number(source->options.pin, &number);

	(void)snprintf(name, sizeof(name), "%u", number);
	if (!err)
		err = bpf_pin_join(source->pins, sizeof(source->pins), source->options.pin, "",
				   name);
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
