// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

static void note_programs(struct bpf_source *source)
{
	const struct bpf_object_skeleton *all = source->skeleton->skeleton;

	for (int i = 0; i < all->prog_cnt; i++) {
		int fd = bpf_program__fd(*all->progs[i].prog);

		if (fd >= 0 && source->program_count < SOURCE_PROGRAMS_MAX)
			source->programs[source->program_count++] = fd;
	}
}

int bpf_source_open(const struct bpf_source_options *options, struct bpf_source **ret_source,
		    struct error *error)
{
	struct bpf_source *source = calloc(1, sizeof(*source));
	int err;

	if (!source)
		return error_set(error, -ENOMEM, "out of memory");
	source->options = *options;
	source->old_containers = -1;
	source->old_history = -1;
	source->pin_lock = -1;
	bpf_load_keep_words();
	source->cpus = (unsigned)libbpf_num_possible_cpus();
	err = bpf_load(source, error);
	if (err) {
		bpf_source_close(source);
		return err;
	}
	if (!source->is_taken_over)
		note_programs(source);
	err = bpf_ring_open(source, error);
	if (err) {
		bpf_source_close(source);
		return err;
	}
	*ret_source = source;
	return 0;
}

int bpf_source_settle(struct bpf_source *source)
{
	int err = 0;

	bpf_history_take(source);
	if (source->pins[0] && !source->is_taken_over)
		err = bpf_pin_settle(source);
	if (err)
		return err; /* the old ones stay what is gone on with */
	if (source->old_pins[0])
		bpf_pin_remove(source->old_pins);
	source->old_pins[0] = '\0';
	return 0;
}

void bpf_source_remove_pins(struct bpf_source *source)
{
	if (source->pins[0])
		bpf_pin_remove(source->pins);
	source->pins[0] = '\0';
	if (source->pin_lock >= 0)
		(void)rmdir(source->options.pin); /* not empty, or not ours to remove: stays */
}

/* Closing a link of ours would switch off what it is pinned for: let go of it instead. */
static void keep_links(struct lastout_bpf *skeleton)
{
	for (int i = 0; i < skeleton->skeleton->prog_cnt; i++) {
		struct bpf_link *link = *skeleton->skeleton->progs[i].link;

		if (link)
			bpf_link__disconnect(link);
	}
}

void bpf_source_close(struct bpf_source *source)
{
	if (!source)
		return;
	bpf_ring_close(source);
	if (source->skeleton && source->pins[0])
		keep_links(source->skeleton);
	lastout_bpf__destroy(source->skeleton);
	for (unsigned i = 0; source->is_taken_over && i < source->program_count; i++) {
		(void)close(source->links[i]);
		(void)close(source->programs[i]);
	}
	bpf_history_drop(source);
	if (source->pin_lock >= 0)
		(void)close(source->pin_lock);
	free(source);
}

bool bpf_source_has_counts(const struct bpf_source *source)
{
	return source->has_counts;
}

const char *bpf_source_pins(const struct bpf_source *source)
{
	return source->pins[0] ? source->pins : NULL;
}

const char *bpf_source_variant(const struct bpf_source *source)
{
	return source->version.is_classic ? "classic" : "btf";
}

const char *bpf_source_lack(const struct bpf_source *source)
{
	return source->lack.text[0] ? source->lack.text : NULL;
}

bool bpf_source_skips_btf(const struct bpf_source *source)
{
	return source->is_preempted;
}

bool bpf_source_may_skip(const struct bpf_source *source)
{
	return source->version.is_classic || source->is_preempted;
}

int bpf_source_fd(const struct bpf_source *source)
{
	return bpf_map__fd(source->skeleton->maps.ring); /* libbpf's epoll would be one more step */
}

static int helper_key(const char *pattern, struct abi_helper_key *ret_key)
{
	size_t len = strlen(pattern);
	bool is_prefix = len > 0 && pattern[len - 1] == '*';

	if (is_prefix)
		len--;
	if (len == 0 || len >= sizeof(ret_key->comm))
		return -EINVAL;
	memset(ret_key, 0, sizeof(*ret_key));
	memcpy(ret_key->comm, pattern, len);
	ret_key->prefix_bits = (uint32_t)(is_prefix ? len : len + 1) * 8;
	return 0;
}

static bool is_wanted(const struct abi_helper_key *key, const char *const *const lists[2])
{
	struct abi_helper_key wanted;

	for (int i = 0; i < 2; i++) {
		for (const char *const *name = lists[i]; name && *name; name++) {
			if (helper_key(*name, &wanted) == 0 &&
			    memcmp(key, &wanted, sizeof(wanted)) == 0)
				return true;
		}
	}
	return false;
}

/* What another configuration, or another agent on the same pins, has left. */
static void remove_helpers(struct bpf_source *source, const char *const *const lists[2])
{
	const struct bpf_map *map = source->skeleton->maps.helpers;
	struct abi_helper_key key, last, *from = NULL;

	while (bpf_map__get_next_key(map, from, &key, sizeof(key)) == 0) {
		if (is_wanted(&key, lists)) {
			last = key;
			from = &last;
		} else if (bpf_map__delete_elem(map, &key, sizeof(key), 0) < 0) {
			return;
		}
	}
}

int bpf_source_set_helpers(struct bpf_source *source, const char *const *names,
			   const char *const *more, struct error *error)
{
	const char *const *const lists[2] = {names, more};
	struct abi_helper_key key;
	uint32_t value = 1;
	int err;

	for (int i = 0; i < 2; i++) {
		for (const char *const *name = lists[i]; name && *name; name++) {
			err = helper_key(*name, &key);
			if (!err)
				err = bpf_map__update_elem(source->skeleton->maps.helpers, &key,
							   sizeof(key), &value, sizeof(value),
							   BPF_ANY);
			if (err)
				return error_set(error, err, "helper name '%s': %s", *name,
						 strerror(-err));
		}
	}
	remove_helpers(source, lists);
	return 0;
}

int bpf_source_add_container(struct bpf_source *source, uint64_t cgroup, bool *ret_is_counted)
{
	struct abi_container container = {0};
	uint8_t yes = 1;
	int err;

	err = bpf_map__update_elem(source->skeleton->maps.confirmed, &cgroup, sizeof(cgroup), &yes,
				   sizeof(yes), BPF_ANY);
	if (err)
		return err;
	/* Members that are left from when it was counted before are not in these counts. */
	container.generation = __atomic_add_fetch(&source->skeleton->bss->adoption.generation, 1,
						  __ATOMIC_SEQ_CST);
	err = bpf_map__update_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup),
				   &container, sizeof(container), BPF_NOEXIST);
	/* Counted since it was made; but a child put there by clone3 the classic hook does not see. */
	*ret_is_counted = err == -EEXIST && !source->version.is_classic;
	return err == -EEXIST ? 0 : err;
}

void bpf_source_forget_container(struct bpf_source *source, uint64_t cgroup)
{
	/* Not there is as good as deleted. */
	(void)bpf_map__delete_elem(source->skeleton->maps.history, &cgroup, sizeof(cgroup), 0);
	(void)bpf_map__delete_elem(source->skeleton->maps.confirmed, &cgroup, sizeof(cgroup), 0);
	(void)bpf_map__delete_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup), 0);
}

int bpf_source_list_containers(struct bpf_source *source, uint64_t **ret_cgroups, size_t *ret_count)
{
	const struct bpf_map *map = source->skeleton->maps.containers;
	uint64_t *cgroups = calloc(source->version.max_containers, sizeof(*cgroups));
	uint64_t key, *from = NULL;
	size_t count = 0;

	if (!cgroups)
		return -ENOMEM;
	while (count < source->version.max_containers &&
	       bpf_map__get_next_key(map, from, &key, sizeof(key)) == 0) {
		cgroups[count] = key;
		from = &cgroups[count++];
	}
	*ret_cgroups = cgroups;
	*ret_count = count;
	return 0;
}

int bpf_source_read_container(struct bpf_source *source, uint64_t cgroup,
			      struct abi_container *ret_container)
{
	int err = bpf_map__lookup_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup),
				       ret_container, sizeof(*ret_container), 0);

	if (!err)
		bpf_history_apply(source, cgroup, ret_container);
	return err;
}

enum role bpf_source_role(struct bpf_source *source, pid_t pid, uint64_t cgroup)
{
	uint32_t tgid = (uint32_t)pid;
	struct abi_process process;

	if (bpf_map__lookup_elem(source->skeleton->maps.processes, &tgid, sizeof(tgid), &process,
				 sizeof(process), 0) < 0)
		return ROLE_HOST;
	return process.container == cgroup ? (enum role)process.role : ROLE_HOST;
}

/* Runs that the kernel left out because the program was already running on that CPU. */
static uint64_t count_skipped(const struct bpf_source *source)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < source->program_count; i++) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(source->programs[i], &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
}

/* What all CPUs have counted in a slot; `values` has room for each CPU's. */
static uint64_t sum_slot(const struct bpf_source *source, const struct bpf_map *map, uint32_t slot,
			 uint64_t *values)
{
	uint64_t sum = 0;

	if (bpf_map__lookup_elem(map, &slot, sizeof(slot), values, source->cpus * sizeof(*values),
				 0) < 0)
		return 0;
	for (unsigned cpu = 0; cpu < source->cpus; cpu++)
		sum += values[cpu];
	return sum;
}

void bpf_source_read_losses(const struct bpf_source *source, struct bpf_source_losses *ret_losses)
{
	_cleanup_free_ uint64_t *values = calloc(source->cpus, sizeof(*values));

	memset(ret_losses, 0, sizeof(*ret_losses));
	for (uint32_t loss = 0; values && loss < LOSS_COUNT; loss++)
		ret_losses->by_kind[loss] = sum_slot(source, source->skeleton->maps.losses, loss,
						     values);
	ret_losses->by_kind[BPF_SOURCE_SKIPPED] = count_skipped(source);
}

void bpf_source_read_exits(const struct bpf_source *source, uint64_t ret_exits[EXITS_COUNT])
{
	_cleanup_free_ uint64_t *values = calloc(source->cpus, sizeof(*values));

	for (uint32_t slot = 0; slot < EXITS_COUNT; slot++)
		ret_exits[slot] = values ? sum_slot(source, source->skeleton->maps.exits, slot,
						    values) :
					   0;
}

const char *bpf_source_loss_name(unsigned kind)
{
	static const char *const names[] = {
		[LOSS_RING_FULL] = "ring_full",
		[LOSS_PROCESSES_FULL] = "processes_full",
		[LOSS_CONTAINERS_FULL] = "containers_full",
		[LOSS_STALE] = "stale",
		[LOSS_UNCOUNTED] = "uncounted",
		[BPF_SOURCE_SKIPPED] = "skipped",
	};

	return names[kind];
}

bool bpf_source_answers(const struct bpf_source *source)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_map__fd(source->skeleton->maps.ring), &info, &size) ==
		       0 ||
	       errno != EPERM;
}

const char *bpf_source_library(void)
{
	return libbpf_version_string() + 1; /* "v1.1" */
}
