// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/watch_private.h"
#include "core/helpers.h"
#include "sys/procfs.h"

struct watched *watch_lookup(struct watch *watch, uint64_t cgroup)
{
	struct watched *watched;

	HASH_FIND(hh, watch->table, &cgroup, sizeof(cgroup), watched);
	return watched;
}

void watch_tell(struct watch *watch, struct watched *watched, enum watch_change change)
{
	if (watch->options.observer.on_change)
		watch->options.observer.on_change(watch->options.observer.context,
						  &watched->container, change);
}

void watch_forget(struct watched *watched)
{
	free(watched->container.path);
	free(watched);
}

bool watch_refresh(struct watch *watch, struct container *container)
{
	struct abi_container counted;

	if (bpf_source_read_container(watch->source, container->cgroup, &counted) < 0)
		return false;
	container->counts = counted.counts;
	container->task_exits = counted.task_exits;
	return true;
}

void watch_learn_init(struct watch *watch, struct container *container)
{
	struct procfs_stat stat;
	char argv0[sizeof(container->argv0)];

	if (procfs_read_stat(watch->options.proc, container->init.pid, &stat) < 0 ||
	    !procfs_is_start(&stat, container->init.start_ns))
		return; /* dead already: its exit is on the way */
	memcpy(container->init.comm, stat.comm, sizeof(container->init.comm) - 1);
	if (procfs_read_argv0(watch->options.proc, container->init.pid, argv0, sizeof(argv0)) == 0)
		memcpy(container->argv0, argv0, sizeof(argv0));
	(void)procfs_read_pid_namespace(watch->options.proc, container->init.pid,
					&container->pid_namespace); /* unknown then */
}

void watch_take_init(struct watch *watch, struct watched *watched)
{
	struct container *container = &watched->container;
	struct abi_container counted;

	if (bpf_source_read_container(watch->source, container->cgroup, &counted) < 0 ||
	    !counted.init_pid)
		return;
	if (container->init.start_ns != counted.init_start_ns) {
		/* Another one than was thought: what is known of that one's end means nothing. */
		memset(&container->init_exit, 0, sizeof(container->init_exit));
		container->is_gone = false;
	}
	container->init.pid = (pid_t)counted.init_pid;
	container->init.start_ns = counted.init_start_ns;
	watch_learn_init(watch, container);
}

void watch_drain(struct watch *watch)
{
	(void)bpf_source_drain(watch->source); /* fails only if our own callback does */
	if (watch->has_new)
		watch_adopt_new(watch);
	if (!evtimer_pending(watch->loss_timer, NULL)) {
		struct timeval delay = {0, WATCH_LOSS_MS * 1000L};

		(void)evtimer_add(watch->loss_timer, &delay);
	}
	if (watch->options.observer.on_drained)
		watch->options.observer.on_drained(watch->options.observer.context);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	watch_drain(context);
}

void watch_recount(struct watch *watch)
{
	bpf_source_adopt_begin(watch->source);
	watch_adopt_new(watch);
}

/* --- start and end --- */

static int add_helpers(struct watch *watch, const char *const *names, struct error *error)
{
	int err = 0;

	for (; !err && *names; names++) {
		err = bpf_source_add_helper(watch->source, *names);
		if (err)
			(void)error_set(error, err, "helper name '%s': %s", *names, strerror(-err));
	}
	return err;
}

static int open_source(struct watch *watch, struct error *error)
{
	struct bpf_source_options options = {
		.settings = watch->options.settings,
		.controller = watch->hierarchy.controller,
		.on_record = watch_on_record,
		.context = watch,
	};
	int err;

	options.settings.hierarchy_id = watch->hierarchy.id;
	err = bpf_source_open(&options, &watch->source, error);
	if (!err)
		err = add_helpers(watch, helper_names, error);
	if (!err && watch->options.helpers)
		err = add_helpers(watch, watch->options.helpers, error);
	return err;
}

static int add_events(struct watch *watch, struct event_base *base, struct error *error)
{
	watch->readable = event_new(base, bpf_source_fd(watch->source), EV_READ | EV_PERSIST,
				    on_readable, watch);
	watch->drain_timer = event_new(base, -1, EV_PERSIST, on_readable, watch);
	watch->name_timer = evtimer_new(base, watch_on_name_timer, watch);
	watch->loss_timer = evtimer_new(base, watch_on_loss_timer, watch);
	if (!watch->readable || !watch->drain_timer || !watch->name_timer || !watch->loss_timer ||
	    event_add(watch->readable, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	if (watch->options.drain_ms) {
		struct timeval every = {(time_t)(watch->options.drain_ms / 1000),
					(suseconds_t)(watch->options.drain_ms % 1000 * 1000)};

		if (event_add(watch->drain_timer, &every) < 0)
			return error_set(error, -ENOMEM, "cannot set up the event loop");
	}
	return 0;
}

/* Attached first, then counted: what changes in between is seen twice, never not at all. */
int watch_start(struct watch *watch, struct error *error)
{
	int err;

	bpf_source_adopt_begin(watch->source);
	err = cgroupfs_walk(&watch->hierarchy, watch_visit, watch);
	if (err)
		return error_set(error, err, "cannot read the cgroups below %s: %s",
				 watch->hierarchy.mount, strerror(-err));
	watch_adopt_new(watch);
	return 0;
}

int watch_new(struct event_base *base, const struct watch_options *options,
	      struct watch **ret_watch, struct error *error)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return error_set(error, -ENOMEM, "out of memory");
	watch->options = *options;
	err = hierarchy_detect(watch->options.proc, &watch->hierarchy, error);
	if (!err)
		err = open_source(watch, error);
	if (!err)
		err = add_events(watch, base, error);
	if (err) {
		watch_free(watch);
		return err;
	}
	*ret_watch = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	struct watched *watched, *next;

	if (!watch)
		return;
	watched = watch->table;
	HASH_CLEAR(hh, watch->table); /* the table only; its entries stay chained */
	for (; watched; watched = next) {
		next = watched->hh.next;
		watch_forget(watched);
	}
	if (watch->readable)
		event_free(watch->readable);
	if (watch->drain_timer)
		event_free(watch->drain_timer);
	if (watch->name_timer)
		event_free(watch->name_timer);
	if (watch->loss_timer)
		event_free(watch->loss_timer);
	bpf_source_close(watch->source);
	free(watch);
}

const struct hierarchy *watch_hierarchy(const struct watch *watch)
{
	return &watch->hierarchy;
}

struct bpf_source *watch_source(struct watch *watch)
{
	return watch->source;
}

const char *watch_proc(const struct watch *watch)
{
	return watch->options.proc;
}

struct container *watch_find(struct watch *watch, uint64_t cgroup)
{
	struct watched *watched = watch_lookup(watch, cgroup);

	return watched ? &watched->container : NULL;
}

void watch_for_each(struct watch *watch,
		    void (*visit_one)(void *context, struct container *container), void *context)
{
	struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next)
		visit_one(context, &watched->container);
}

unsigned watch_container_count(const struct watch *watch)
{
	return HASH_COUNT(watch->table);
}

/* A container whose init is not known: any of its processes may be in the namespace. */
static bool has_member_in(struct watch *watch, const struct watched *watched, ino_t inode)
{
	pid_t *pids = NULL;
	size_t count = 0;
	bool found = false;
	ino_t other;

	if (cgroupfs_read_procs(&watch->hierarchy, watched->container.path, &pids, &count) < 0)
		return false; /* gone */
	for (size_t i = 0; i < count && !found; i++)
		found = procfs_read_pid_namespace(watch->options.proc, pids[i], &other) == 0 &&
			other == inode;
	free(pids);
	return found;
}

const struct container *watch_find_pid_namespace(struct watch *watch,
						 const struct container *container, ino_t inode)
{
	struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next) {
		ino_t known = watched->container.pid_namespace;

		if (&watched->container == container || watched->container.is_gone)
			continue;
		if (known ? known == inode : has_member_in(watch, watched, inode))
			return &watched->container;
	}
	return NULL;
}

uint64_t watch_lost(struct watch *watch)
{
	return bpf_source_lost(watch->source);
}
