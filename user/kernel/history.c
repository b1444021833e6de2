// SPDX-License-Identifier: Apache-2.0
/*
 * What a container's work was where it was counted before: in the maps of another layout, or under a
 * nested cgroup that was not known to belong to it. A map of its own, which user space alone writes:
 * the counts are the kernel side's, and nobody else can write them without losing some.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "kernel/private.h"

/* As far as the oldest layout that is gone on with has them; later ones add to the end. */
#define CONTAINER_SIZE_MIN (offsetof(struct abi_container, first_failure) + sizeof(struct abi_end))
#define HISTORY_SIZE_MIN   (offsetof(struct abi_history, first_failure) + sizeof(struct abi_end))

static void take_later(struct abi_end *end, const struct abi_end *other)
{
	if (other->time_ns > end->time_ns)
		*end = *other;
}

static void take_first(struct abi_end *end, const struct abi_end *other)
{
	if (other->time_ns && (!end->time_ns || other->time_ns < end->time_ns))
		*end = *other;
}

static int read_own(const struct bpf_source *source, uint64_t cgroup, struct abi_history *history)
{
	return bpf_map__lookup_elem(source->skeleton->maps.history, &cgroup, sizeof(cgroup),
				    history, sizeof(*history), 0);
}

void bpf_history_apply(const struct bpf_source *source, uint64_t cgroup,
		       struct abi_container *container)
{
	struct abi_history history;

	if (!source->has_history || read_own(source, cgroup, &history) < 0 ||
	    history.life != container->life)
		return;
	container->task_exits += history.task_exits;
	take_later(&container->last_task, &history.last_task);
	take_first(&container->first_failure, &history.first_failure);
}

int bpf_source_add_history(struct bpf_source *source, uint64_t cgroup,
			   const struct abi_history *more)
{
	struct abi_history history = {0};

	if (read_own(source, cgroup, &history) < 0 || history.life != more->life)
		history = (struct abi_history){.life = more->life}; /* none yet in this life */
	history.task_exits += more->task_exits;
	take_later(&history.last_task, &more->last_task);
	take_first(&history.first_failure, &more->first_failure);
	source->has_history = true;
	return bpf_map__update_elem(source->skeleton->maps.history, &cgroup, sizeof(cgroup),
				    &history, sizeof(history), BPF_ANY);
}

/* --- from maps that ours replace --- */

/* A value that may be longer or shorter than ours: what both have is in the same place. */
static int read_old(int map, uint64_t cgroup, size_t size_min, void *ret_value, size_t size)
{
	struct bpf_map_info info = {0};
	uint32_t info_size = sizeof(info);
	char value[1024];

	if (map < 0 || bpf_obj_get_info_by_fd(map, &info, &info_size) < 0)
		return -ENOENT;
	if (info.key_size != sizeof(cgroup) || info.value_size < size_min ||
	    info.value_size > sizeof(value) || bpf_map_lookup_elem(map, &cgroup, value) < 0)
		return -ENOENT;
	memset(ret_value, 0, size);
	memcpy(ret_value, value, info.value_size < size ? info.value_size : size);
	return 0;
}

static void take_one(struct bpf_source *source, uint64_t cgroup)
{
	struct abi_container old, ours;
	struct abi_history before;
	struct abi_history history;

	if (bpf_map__lookup_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup), &ours,
				 sizeof(ours), 0) < 0 ||
	    read_old(source->old_containers, cgroup, CONTAINER_SIZE_MIN, &old, sizeof(old)) < 0)
		return; /* no container, or new since */
	if (ours.life)
		return; /* init has executed another program since we count: that is over */
	history = (struct abi_history){
		.task_exits = old.task_exits,
		.last_task = old.last_task,
		.first_failure = old.first_failure,
	};
	if (read_old(source->old_history, cgroup, HISTORY_SIZE_MIN, &before, sizeof(before)) == 0 &&
	    before.life == old.life) {
		history.task_exits += before.task_exits;
		take_later(&history.last_task, &before.last_task);
		take_first(&history.first_failure, &before.first_failure);
	}
	(void)bpf_source_add_history(source, cgroup,
				     &history); /* as many fit as there are containers */
}

void bpf_history_take(struct bpf_source *source)
{
	uint64_t key, *from = NULL;

	while (source->old_containers >= 0 &&
	       bpf_map_get_next_key(source->old_containers, from, &key) == 0) {
		take_one(source, key);
		from = &key;
	}
	bpf_history_drop(source);
}

void bpf_history_drop(struct bpf_source *source)
{
	if (source->old_containers >= 0)
		(void)close(source->old_containers);
	if (source->old_history >= 0)
		(void)close(source->old_history);
	source->old_containers = -1;
	source->old_history = -1;
}
