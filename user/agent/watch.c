// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/naming.h"
#include "agent/watch_private.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "core/helpers.h"
#include "core/managers.h"
#include "host/namespaces.h"
#include "host/procfs.h"

struct watched *watch_lookup(struct watch *watch, uint64_t cgroup)
{
	struct watched *watched;

	HASH_FIND(hh, watch->table, &cgroup, sizeof(cgroup), watched);
	return watched;
}

void watch_tell(struct watch *watch, struct watched *watched, enum watch_change change)
{
	if (watch->options.observer.on_change && !watched->is_new)
		watch->options.observer.on_change(watch->options.observer.context,
						  &watched->container, change);
}

bool watch_is_there(const struct watch *watch, const char *path, uint64_t cgroup)
{
	uint64_t id;

	return cgroupfs_read_id(&watch->hierarchy, path, &id) == 0 && id == cgroup;
}

void watch_forget(struct watched *watched)
{
	identity_done(&watched->container.identity);
	free(watched->container.path);
	free(watched);
}

/* What the kernel side remembers, where the record of it has not come, or was lost. */
void watch_take_end(struct ended *ended, const struct abi_end *end)
{
	if (end->time_ns <= ended->time_ns)
		return;
	ended->process.pid = (pid_t)end->pid;
	ended->process.start_ns = end->start_ns;
	memcpy(ended->process.comm, end->comm, ABI_COMM_SIZE);
	ended->status = end->status;
	ended->time_ns = end->time_ns;
	ended->is_known = end->status != ABI_STATUS_UNSEEN;
}

static void take_former(struct program *program, const struct abi_former *former)
{
	bool is_cut = former->args_size > sizeof(former->args);

	memset(program, 0, sizeof(*program));
	memcpy(program->comm, former->comm, ABI_COMM_SIZE);
	if (!former->args_size)
		return;
	command_line_set(&program->args, former->args,
			 is_cut ? sizeof(former->args) : former->args_size);
	program->args.is_cut = is_cut;
}

/* Of this exec and those before. What is not known here is read from /proc. */
static void take_args(struct container *container, const struct abi_container *counted)
{
	const struct abi_program *program = &counted->program;

	container->has_exec_args = program->has_args;
	if (program->has_args)
		command_line_set(&container->init_args, program->args, program->args_size);
	else
		memset(&container->init_args, 0, sizeof(container->init_args));
	container->former_count = counted->former_count < ABI_FORMERS ? counted->former_count :
									ABI_FORMERS;
	for (unsigned i = 0; i < container->former_count; i++)
		take_former(&container->formers[i], &counted->formers[i]);
}

/* Init's name and program, as the kernel side has them: not each change has a record. */
static void take_program(struct container *container, const struct abi_container *counted)
{
	container->is_init_execing = counted->is_init_execing;
	if (container->init.pid != (pid_t)counted->init_pid ||
	    container->init.start_ns != counted->init_start_ns)
		return;
	memcpy(container->init.comm, counted->init_comm, ABI_COMM_SIZE);
	if (container->life == counted->life)
		return;
	container->life = counted->life;
	container->life_ns = counted->life_ns;
	take_args(container, counted);
	if (!container->is_asked)
		container->is_idle = false;
}

bool watch_refresh(struct watch *watch, struct container *container)
{
	struct abi_container counted;

	if (bpf_source_read_container(watch->source, container->cgroup, &counted) < 0)
		return false;
	container->counts = counted.counts;
	/* As with the ends: once it was asked, init's exec is its way to end. */
	if (!container->is_asked)
		container->task_exits = counted.task_exits;
	take_program(container, &counted);
	container_forget_ends(container);
	if (!container->is_asked)
		watch_take_end(&container->last_task, &counted.last_task);
	watch_take_end(&container->first_failure, &counted.first_failure);
	return true;
}

static void learn_args(const struct watch *watch, struct container *container)
{
	struct command_line args;

	if (container->has_exec_args)
		return;
	if (procfs_read_command_line(watch->options.proc, container->init.pid, &args) == 0)
		container->init_args = args;
}

static void learn_led(const struct watch *watch, struct container *container)
{
	struct command_line args = {0};

	if (manager_may_lead(&container->init_args))
		(void)naming_find_led(watch->options.proc, &watch->hierarchy, container->path,
				      container->init.pid, &args);
	container->led_args = args;
}

void watch_learn_init(struct watch *watch, struct container *container)
{
	struct procfs_stat stat;
	ino_t inode;

	if (procfs_read_stat(watch->options.proc, container->init.pid, &stat) < 0 ||
	    !procfs_is_start(&stat, container->init.start_ns))
		return; /* dead already: its exit is on the way */
	memcpy(container->init.comm, stat.comm, sizeof(container->init.comm) - 1);
	learn_args(watch, container);
	learn_led(watch, container);
	if (procfs_read_pid_namespace(watch->options.proc, container->init.pid, &inode) == 0)
		watch_set_namespace(watch, container, inode);
}

static void take_counted_init(struct watch *watch, struct watched *watched)
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
	container->is_pid_1 = counted.init_level > 0;
	take_program(container, &counted);
	if (counted.program.has_args || !container->init_args.size)
		take_args(container, &counted);
	watch_set_namespace(watch, container, counted.init_pid_namespace);
}

void watch_take_init(struct watch *watch, struct watched *watched)
{
	take_counted_init(watch, watched);
	learn_args(watch, &watched->container);
}

void watch_retake_init(struct watch *watch, struct watched *watched)
{
	take_counted_init(watch, watched);
	watch_learn_init(watch, &watched->container);
}

void watch_drain(struct watch *watch)
{
	bool is_all;

	runtime_state_hold(&watch->options.roots);
	is_all = bpf_source_drain(watch->source, WATCH_TURN_MS);
	if (watch->has_new)
		watch_adopt_new(watch);
	runtime_state_release(&watch->options.roots);
	watch_look_for_losses(watch);
	if (watch->options.observer.on_drained)
		watch->options.observer.on_drained(watch->options.observer.context);
	/* In the next turn of the loop. By a timer: an event that is made active runs in this one. */
	if (!is_all)
		(void)evtimer_add(watch->more_timer, &(struct timeval){0});
}

uint64_t watch_written(const struct watch *watch)
{
	return bpf_source_written(watch->source);
}

bool watch_has_read(const struct watch *watch, uint64_t written)
{
	return bpf_source_has_read(watch->source, written);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	watch_drain(context);
}

/* --- start and end --- */

int watch_set_helpers(struct watch *watch, const char *const *names, struct error *error)
{
	const char *built_in[HELPER_NAMES_MAX];

	helper_names_built_in(built_in);
	return bpf_source_set_helpers(watch->source, built_in, names, error);
}

static void log_unpinned(const char *reason)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, "pins", "last exits while lastout is down will be missed");
	log_string(&line, "reason", reason);
	log_end(&line);
}

static void log_lack(const struct bpf_source *source)
{
	const char *lack = bpf_source_lack(source);
	struct log_line line;

	if (!lack)
		return;
	log_begin(&line, LOG_LEVEL_WARN, "hooks", "the better hooks cannot be used");
	log_string(&line, "hooks", bpf_source_variant(source));
	log_string(&line, "reason", lack);
	log_end(&line);
}

/* No BPF file system, or none to write to: to watch without pins is better than not to watch. */
static bool is_no_place(int err)
{
	return err == -EOPNOTSUPP || err == -EROFS || err == -ENOSPC || err == -EDQUOT;
}

static void on_probed(void *context, bool skips_btf)
{
	const struct watch *watch = context;

	if (watch->options.observer.on_probed)
		watch->options.observer.on_probed(watch->options.observer.context, skips_btf);
}

static int open_source(struct watch *watch, struct error *error)
{
	struct bpf_source_options options = {
		.settings = watch->options.settings,
		.controller = watch->hierarchy.controller,
		.pin = watch->options.pin,
		.max_processes = watch->options.max_processes,
		.max_containers = watch->options.max_containers,
		.on_record = watch_on_record,
		.on_probed = on_probed,
		.context = watch,
	};
	int err;

	options.settings.hierarchy_id = watch->hierarchy.id;
	err = bpf_source_open(&options, &watch->source, error);
	if (is_no_place(err) && options.pin && watch->options.is_pin_optional) {
		log_unpinned(error->text);
		options.pin = NULL;
		err = bpf_source_open(&options, &watch->source, error);
	}
	if (err)
		return err;
	log_lack(watch->source);
	bpf_source_read_losses(watch->source, &watch->at_start);
	watch->seen = watch->at_start;
	return watch_set_helpers(watch, watch->options.helpers, error);
}

static int add_events(struct watch *watch, struct event_base *base, struct error *error)
{
	watch->readable = event_new(base, bpf_source_fd(watch->source), EV_READ | EV_PERSIST,
				    on_readable, watch);
	watch->drain_timer = event_new(base, -1, EV_PERSIST, on_readable, watch);
	watch->more_timer = evtimer_new(base, on_readable, watch);
	watch->name_timer = evtimer_new(base, watch_on_name_timer, watch);
	watch->loss_timer = evtimer_new(base, watch_on_loss_timer, watch);
	watch->reread_timer = evtimer_new(base, watch_on_reread_timer, watch);
	if (!watch->readable || !watch->drain_timer || !watch->more_timer || !watch->name_timer ||
	    !watch->loss_timer || !watch->reread_timer || event_add(watch->readable, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	if (watch->options.drain_ms) {
		struct timeval every = {(time_t)(watch->options.drain_ms / 1000),
					(suseconds_t)(watch->options.drain_ms % 1000 * 1000)};

		if (event_add(watch->drain_timer, &every) < 0)
			return error_set(error, -ENOMEM, "cannot set up the event loop");
	}
	return 0;
}

void watch_forget_unknown(struct watch *watch, const uint64_t *cgroups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!watch_lookup(watch, cgroups[i]))
			bpf_source_forget_container(watch->source, cgroups[i]);
}

/* The one count of everybody: after it, what an agent before us knew is ours. */
static int count_all(struct watch *watch)
{
	int err = bpf_source_has_counts(watch->source) ? bpf_source_recount(watch->source) :
							 bpf_source_adopt(watch->source, NULL);

	bpf_source_adopt_end(watch->source);
	/* What has happened meanwhile, or while nobody was there to read: noted, not told. */
	(void)bpf_source_drain(watch->source,
			       WATCH_RESYNC_MS); /* the rest is told like any other */
	if (!err)
		err = bpf_source_settle(watch->source);
	return err;
}

/* Attached first, then counted: what changes in between is seen twice, never not at all. */
int watch_start(struct watch *watch, struct error *error)
{
	_cleanup_free_ uint64_t *counted = NULL;
	size_t count = 0;
	int err = bpf_source_list_containers(watch->source, &counted, &count);

	if (err)
		return error_set(error, err, "cannot read what is counted: %s", strerror(-err));
	runtime_state_hold(&watch->options.roots);
	bpf_source_adopt_begin(watch->source);
	err = cgroupfs_walk(&watch->hierarchy, watch_visit, watch);
	if (err)
		return error_set(error, err, "cannot read the cgroups below %s: %s",
				 watch->hierarchy.mount, strerror(-err));
	/* What an agent before us counted, and is there no more. */
	watch_forget_unknown(watch, counted, count);
	err = count_all(watch);
	if (err)
		return error_set(error, err, "cannot count what is inside the containers: %s",
				 strerror(-err));
	watch_tell_new(watch);
	runtime_state_release(&watch->options.roots);
	watch_start_rereading(watch);
	return 0;
}

/* Without this view all would seem to work: containers would not be found, or be taken for ended. */
static int check_view(const struct watch *watch, struct error *error)
{
	int err = namespaces_check_pid(watch->options.proc, error);

	if (!err)
		err = namespaces_check_time(watch->options.proc, error);
	if (!err)
		err = namespaces_check_cgroups(&watch->hierarchy, error);
	return err;
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
		err = check_view(watch, error);
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
	HASH_ITER(hh, watch->table, watched, next)
		watch_drop_namespace(watch, watched);
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
	if (watch->more_timer)
		event_free(watch->more_timer);
	if (watch->name_timer)
		event_free(watch->name_timer);
	if (watch->loss_timer)
		event_free(watch->loss_timer);
	if (watch->reread_timer)
		event_free(watch->reread_timer);
	runtime_state_release(&watch->options.roots);
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

const struct runtime_roots *watch_roots(const struct watch *watch)
{
	return &watch->options.roots;
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

void watch_remove_pins(struct watch *watch)
{
	bpf_source_remove_pins(watch->source);
}
