// SPDX-License-Identifier: Apache-2.0
#include "agent/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "agent/naming.h"
#include "base/log.h"
#include "core/helpers.h"
#include "sys/procfs.h"
#include "sys/state_dir.h"

enum {
	/*
	 * An init without a PID namespace of its own is the oldest process, once that has been the same
	 * for two looks a second apart. A container in the making has one that will not last.
	 */
	WATCH_NAME_SECONDS = 1,
	/* Losses are looked for so long after a drain, not on the way from a last exit to its signal. */
	WATCH_LOSS_MS = 250,
	WATCH_NAME_TRIES = 4,
};

struct watched {
	struct container container;
	unsigned name_tries; /* left for finding an init without PID namespace */
	pid_t name_seen;     /* the oldest process at the last try */
	bool is_new;	     /* added, not adopted yet */
	UT_hash_handle hh;   /* by container.cgroup */
};

struct watch {
	struct watch_options options;
	struct hierarchy hierarchy;
	struct bpf_source *source;
	struct event *readable;
	struct event *drain_timer;
	struct event *name_timer;
	struct event *loss_timer;
	struct watched *table;
	uint64_t lost_seen;
	bool has_new; /* some were added by the records just read */
};

static struct watched *find(struct watch *watch, uint64_t cgroup)
{
	struct watched *watched;

	HASH_FIND(hh, watch->table, &cgroup, sizeof(cgroup), watched);
	return watched;
}

static void tell(struct watch *watch, struct watched *watched, enum watch_change change)
{
	if (watch->options.observer.on_change)
		watch->options.observer.on_change(watch->options.observer.context,
						  &watched->container, change);
}

static void watched_free(struct watched *watched)
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

/* Init's number and start come from the kernel side, its names from /proc as they are now. */
static void take_init(struct watch *watch, struct watched *watched)
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

/* --- coming and going --- */

static bool identify(const struct watch *watch, const char *path, struct cgroup_identity *identity)
{
	if (watch->options.only) {
		if (strcmp(path, watch->options.only) != 0)
			return false;
		if (cgroup_path_identify(path, identity))
			return true;
		memset(identity, 0, sizeof(*identity));
		return true;
	}
	return cgroup_path_identify(path, identity) ||
	       state_dir_identify(watch->options.run, path, identity);
}

/* Known from now on, and counted; who is already inside is adopted a moment later. */
static void add(struct watch *watch, uint64_t cgroup, const char *path,
		const struct cgroup_identity *identity)
{
	struct watched *watched;
	struct log_line line;
	int err;

	if (find(watch, cgroup))
		return;
	watched = calloc(1, sizeof(*watched));
	if (watched)
		watched->container.path = strdup(path);
	if (!watched || !watched->container.path) {
		free(watched);
		log_message(LOG_LEVEL_ERROR, "memory", "out of memory: a container is not watched");
		return;
	}
	watched->container.cgroup = cgroup;
	watched->container.identity = *identity;
	watched->is_new = true;
	watched->name_tries = WATCH_NAME_TRIES;
	bpf_source_adopt_begin(watch->source); /* until adopt_new */
	watch->has_new = true;
	err = bpf_source_add_container(watch->source, cgroup);
	if (err) {
		log_begin(&line, LOG_LEVEL_ERROR, "unwatched",
			  "a container cannot be watched: the table of containers is full");
		log_string(&line, "container", identity->id);
		log_string(&line, "error", strerror(-err));
		log_end(&line);
		watched_free(watched);
		return;
	}
	HASH_ADD(hh, watch->table, container.cgroup, sizeof(watched->container.cgroup), watched);
}

static bool visit(void *context, const char *path, uint64_t id)
{
	struct watch *watch = context;
	struct cgroup_identity identity;

	if (!identify(watch, path, &identity))
		return true;
	add(watch, id, path, &identity);
	return false; /* nested cgroups belong to the container */
}

/* In two steps, so that many new containers cost two readings of all processes, not two each. */
static void adopt_new(struct watch *watch)
{
	struct watched *watched, *next;
	int err;

	watch->has_new = false;
	err = bpf_source_adopt(watch->source, NULL);
	bpf_source_adopt_end(watch->source);
	if (err) {
		struct log_line line;

		log_begin(&line, LOG_LEVEL_ERROR, "adopt", "cannot read the list of processes");
		log_string(&line, "error", strerror(-err));
		log_end(&line);
	}
	HASH_ITER(hh, watch->table, watched, next) {
		if (!watched->is_new)
			continue;
		watched->is_new = false;
		take_init(watch, watched);
		(void)watch_refresh(watch, &watched->container); /* still there: we added it */
		tell(watch, watched, WATCH_FOUND);
		if (!watched->container.init.pid && !evtimer_pending(watch->name_timer, NULL)) {
			struct timeval delay = {WATCH_NAME_SECONDS, 0};

			(void)evtimer_add(watch->name_timer, &delay);
		}
	}
}

static void drop(struct watch *watch, struct watched *watched)
{
	bpf_source_forget_container(watch->source, watched->container.cgroup);
	HASH_DEL(watch->table, watched);
	tell(watch, watched, WATCH_REMOVED);
	watched_free(watched);
}

/* In the cgroup of a known container, for which the kernel side did not take it yet? */
static bool is_nested(const struct watch *watch, const char *path)
{
	struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next) {
		size_t len = strlen(watched->container.path);

		if (strncmp(path, watched->container.path, len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

/* --- records --- */

static void take_cgroup(struct watch *watch, const struct record_cgroup *record)
{
	struct cgroup_identity identity;
	struct watched *watched;

	if (record->head.flags == CGROUP_REMOVED) {
		watched = find(watch, record->head.container);
		if (watched)
			drop(watch, watched);
		else
			bpf_source_forget_container(watch->source, record->head.container);
		return;
	}
	if (is_nested(watch, record->path)) {
		/* Who was counted there belongs to the container around it: adopt them. */
		bpf_source_forget_container(watch->source, record->head.container);
		bpf_source_adopt_begin(watch->source);
		watch->has_new = true;
		return;
	}
	if (!identify(watch, record->path, &identity)) {
		bpf_source_forget_container(watch->source, record->head.container);
		return;
	}
	add(watch, record->head.container, record->path, &identity);
}

static void take_change(struct watch *watch, const struct record_change *record)
{
	struct watched *watched = find(watch, record->head.container);

	if (!watched || !watch_refresh(watch, &watched->container))
		return;
	switch ((enum change_kind)record->head.flags) {
	case CHANGE_INIT:
		take_init(watch, watched);
		/* The hook runs a moment before the name is in /proc. */
		memcpy(watched->container.init.comm, record->comm, ABI_COMM_SIZE);
		tell(watch, watched, WATCH_INIT);
		return;
	case CHANGE_TASK:
		watched->container.is_idle = false;
		tell(watch, watched, WATCH_TASK);
		return;
	case CHANGE_IDLE:
		tell(watch, watched, WATCH_IDLE);
		return;
	}
}

static void ended_set(struct ended *ended, const struct record_exit *record)
{
	ended->process.pid = (pid_t)record->pid;
	ended->process.start_ns = record->start_ns;
	memcpy(ended->process.comm, record->comm, ABI_COMM_SIZE);
	ended->status = record->status;
	ended->time_ns = record->head.time_ns;
	ended->is_known = true;
}

static void note_exit(struct container *container, const struct record_exit *record)
{
	if (record->head.flags & EXIT_THREAD)
		return;
	if (record->role == ROLE_INIT) {
		ended_set(&container->init_exit, record);
		container->is_gone = true;
	}
	/* What the kernel kills because init is gone says nothing about the work. */
	if (record->role == ROLE_TASK && record->head.flags & EXIT_LAST && !container->is_gone)
		ended_set(&container->last_task, record);
}

static void take_exit(struct watch *watch, const struct record_exit *record)
{
	struct watched *watched = NULL;
	struct container *container = NULL;

	if (record->head.container)
		watched = find(watch, record->head.container);
	if (watched) {
		container = &watched->container;
		(void)watch_refresh(watch, container);
		note_exit(container, record);
	}
	if (watch->options.observer.on_exit)
		watch->options.observer.on_exit(watch->options.observer.context, container, record);
	if (container && record->head.flags & EXIT_LAST)
		container->is_idle = true;
}

static void on_record(void *context, const struct record *record)
{
	switch ((enum record_kind)record->kind) {
	case RECORD_EXIT:
		take_exit(context, (const struct record_exit *)record);
		return;
	case RECORD_CHANGE:
		take_change(context, (const struct record_change *)record);
		return;
	case RECORD_CGROUP:
		take_cgroup(context, (const struct record_cgroup *)record);
		return;
	}
}

/* Counts are exact even where records were lost, so each container is looked at once more. */
static void on_loss_timer(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;
	uint64_t lost = bpf_source_lost(watch->source);
	struct watched *watched, *next;
	struct log_line line;

	(void)fd;
	(void)what;
	if (lost == watch->lost_seen)
		return;
	log_begin(&line, LOG_LEVEL_WARN, "lost", "events were lost: reading all containers again");
	log_uint(&line, "lost", lost - watch->lost_seen);
	log_end(&line);
	watch->lost_seen = lost;
	bpf_source_adopt_begin(watch->source);
	(void)cgroupfs_walk(&watch->hierarchy, visit,
			    watch); /* best effort; tried again next time */
	adopt_new(watch);
	HASH_ITER(hh, watch->table, watched, next) {
		uint64_t id;

		if (cgroupfs_read_id(&watch->hierarchy, watched->container.path, &id) < 0 ||
		    id != watched->container.cgroup) {
			drop(watch, watched);
			continue;
		}
		take_init(watch, watched);
		if (watch_refresh(watch, &watched->container))
			tell(watch, watched, WATCH_REREAD);
	}
}

void watch_drain(struct watch *watch)
{
	(void)bpf_source_drain(watch->source); /* fails only if our own callback does */
	if (watch->has_new)
		adopt_new(watch);
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
	adopt_new(watch);
}

/* --- an init without a PID namespace of its own --- */

static void name_init(struct watch *watch, struct watched *watched)
{
	struct bpf_source_named named = {
		.cgroup = watched->container.cgroup,
		.pid = naming_find_init(watch->options.proc, &watch->hierarchy,
					watched->container.path),
	};
	pid_t seen = watched->name_seen;

	watched->name_tries--;
	watched->name_seen = named.pid;
	if (!named.pid || named.pid != seen)
		return;
	bpf_source_adopt_begin(watch->source);
	(void)bpf_source_adopt(watch->source, &named); /* tried again by the timer */
	bpf_source_adopt_end(watch->source);
	take_init(watch, watched);
	if (watched->container.init.pid && watch_refresh(watch, &watched->container))
		tell(watch, watched, WATCH_INIT);
}

/* A created container waits for its start for as long as it likes: after a few tries, let it. */
static void on_name_timer(evutil_socket_t fd, short what, void *context)
{
	struct timeval delay = {WATCH_NAME_SECONDS, 0};
	struct watch *watch = context;
	struct watched *watched, *next;
	bool again = false;

	(void)fd;
	(void)what;
	HASH_ITER(hh, watch->table, watched, next) {
		if (watched->container.init.pid || !watched->name_tries)
			continue;
		name_init(watch, watched);
		again = again || (!watched->container.init.pid && watched->name_tries);
	}
	if (again)
		(void)evtimer_add(watch->name_timer, &delay);
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
		.on_record = on_record,
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
	watch->name_timer = evtimer_new(base, on_name_timer, watch);
	watch->loss_timer = evtimer_new(base, on_loss_timer, watch);
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
	err = cgroupfs_walk(&watch->hierarchy, visit, watch);
	if (err)
		return error_set(error, err, "cannot read the cgroups below %s: %s",
				 watch->hierarchy.mount, strerror(-err));
	adopt_new(watch);
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
		watched_free(watched);
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
	struct watched *watched = find(watch, cgroup);

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
