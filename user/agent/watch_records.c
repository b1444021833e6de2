// SPDX-License-Identifier: Apache-2.0
/* The records of the kernel side, and the containers that come and go by them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/watch_private.h"
#include "base/log.h"

/* --- coming and going --- */

static bool identify(struct watch *watch, const char *path, struct cgroup_identity *identity)
{
	if (watch->options.only) {
		if (strcmp(path, watch->options.only) != 0)
			return false;
		if (cgroup_path_identify(path, identity))
			return true;
		memset(identity, 0, sizeof(*identity));
		return true;
	}
	if (cgroup_path_identify(path, identity) ||
	    runtime_state_identify(&watch->options.roots, path, identity))
		return true;
	watch_note_unread(watch, path);
	return false;
}

static void take_cgroup_identity(struct identity *identity, const struct cgroup_identity *of_path)
{
	identity->runtime = of_path->runtime;
	memcpy(identity->id, of_path->id, sizeof(identity->id));
	memcpy(identity->pod_uid, of_path->pod_uid, sizeof(identity->pod_uid));
}

/* For the first of them: a full table stays full, and would fill the log. */
static void log_unwatched(const char *id, int err)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_ERROR, "unwatched",
		  "a container, and perhaps others, cannot be watched: the table of containers is "
		  "full; raise max_containers");
	log_string(&line, "container", id);
	log_string(&line, "error", strerror(-err));
	log_end(&line);
}

/* Known from now on, and counted; who is already inside is adopted a moment later. */
static void watch_add(struct watch *watch, uint64_t cgroup, const char *path,
		      const struct cgroup_identity *identity)
{
	struct watched *watched;
	bool is_counted;
	int err;

	if (watch_lookup(watch, cgroup))
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
	take_cgroup_identity(&watched->container.identity, identity);
	watched->is_new = true;
	watched->name_tries = WATCH_NAME_TRIES;
	watched->identity_tries = WATCH_IDENTITY_TRIES;
	bpf_source_adopt_begin(watch->source); /* until adopt_new */
	watch->has_new = true;
	err = bpf_source_add_container(watch->source, cgroup, &is_counted);
	if (err) {
		if (!watch->unwatched++)
			log_unwatched(identity->id, err);
		watch_forget(watched);
		return;
	}
	watch->must_adopt = watch->must_adopt || !is_counted;
	watch_add_namespace(watch, watched);
	HASH_ADD(hh, watch->table, container.cgroup, sizeof(watched->container.cgroup), watched);
}

bool watch_visit(void *context, const char *path, uint64_t id)
{
	struct watch *watch = context;
	struct cgroup_identity identity;

	if (!identify(watch, path, &identity))
		return true;
	watch_add(watch, id, path, &identity);
	return false; /* nested cgroups belong to the container */
}

void watch_tell_new(struct watch *watch)
{
	struct watched *watched, *next;

	watch->has_new = watch->must_adopt = false;
	HASH_ITER(hh, watch->table, watched, next) {
		if (!watched->is_new)
			continue;
		watched->is_new = false;
		watch_take_init(watch, watched);
		(void)watch_identify(watch, watched);
		(void)watch_refresh(watch, &watched->container); /* still there: we added it */
		watched->told_life = watched->container.life;
		watch_tell(watch, watched, WATCH_FOUND);
		watch_learn_later(watch, watched);
	}
}

/* In two steps, so that many new containers cost two readings of all processes, not two each. */
void watch_adopt_new(struct watch *watch)
{
	int err = watch->must_adopt ? bpf_source_adopt(watch->source, NULL) : 0;

	bpf_source_adopt_end(watch->source);
	if (watch->must_adopt && bpf_source_met_ending(watch->source))
		watch_reread_soon(watch);
	if (err) {
		struct log_line line;

		log_begin(&line, LOG_LEVEL_ERROR, "adopt", "cannot read the list of processes");
		log_string(&line, "error", strerror(-err));
		log_end(&line);
	}
	watch_tell_new(watch);
}

void watch_drop(struct watch *watch, struct watched *watched)
{
	bpf_source_forget_container(watch->source, watched->container.cgroup);
	if (watch->unwatched) /* there is room for one */
		watch_reread_soon(watch);
	HASH_DEL(watch->table, watched);
	watch_drop_namespace(watch, watched);
	watch_tell(watch, watched, WATCH_REMOVED);
	watch_forget(watched);
}

/* In whose cgroup this one is, for which the kernel side did not take it yet; NULL: in no container's. */
static struct watched *find_around(const struct watch *watch, const char *path)
{
	struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next) {
		size_t len = strlen(watched->container.path);

		if (strncmp(path, watched->container.path, len) == 0 && path[len] == '/')
			return watched;
	}
	return NULL;
}

/*
 * Who was counted there belongs to the container around it: they are adopted. Who has come and gone
 * there was its work as well.
 */
static void take_nested(struct watch *watch, uint64_t cgroup, const struct container *around)
{
	struct abi_container nested, outer;
	struct abi_history history;

	if (bpf_source_read_container(watch->source, cgroup, &nested) < 0 ||
	    bpf_source_read_container(watch->source, around->cgroup, &outer) < 0)
		return;
	history = (struct abi_history){
		.task_exits = nested.task_exits + nested.counts.tasks,
		.life = outer.life,
		.last_task = nested.last_task,
		.first_failure = nested.first_failure,
	};
	/* As many fit as there are containers. */
	(void)bpf_source_add_history(watch->source, around->cgroup, &history);
	bpf_source_forget_container(watch->source, cgroup);
	bpf_source_adopt_begin(watch->source);
	watch->has_new = watch->must_adopt = true;
}

/* --- records --- */

/*
 * One that has a container's name, or is there. For any other the runtimes' state is read, container by
 * container: too long for a thousand that came and went while nobody could read of them.
 */
static bool is_worth_a_look(const struct watch *watch, const struct record_cgroup *record)
{
	struct cgroup_identity identity;

	return cgroup_path_identify(record->path, &identity) ||
	       watch_is_there(watch, record->path, record->head.container);
}

/* The first container of a runtime makes its state directory, too. */
static bool identify_new(struct watch *watch, const char *path, struct cgroup_identity *identity)
{
	if (!cgroup_path_identify(path, identity))
		runtime_state_look_again(&watch->options.roots);
	return identify(watch, path, identity);
}

static void take_cgroup(struct watch *watch, const struct record_cgroup *record)
{
	struct cgroup_identity identity;
	struct watched *watched;

	if (record->head.flags == CGROUP_REMOVED) {
		watched = watch_lookup(watch, record->head.container);
		if (watched)
			watch_drop(watch, watched);
		else
			bpf_source_forget_container(watch->source, record->head.container);
		return;
	}
	watched = find_around(watch, record->path);
	if (watched) {
		take_nested(watch, record->head.container, &watched->container);
		return;
	}
	if (!is_worth_a_look(watch, record) || !identify_new(watch, record->path, &identity)) {
		bpf_source_forget_container(watch->source, record->head.container);
		return;
	}
	watch_add(watch, record->head.container, record->path, &identity);
}

static void tell_suspect(const struct watch *watch, const struct record_change *record)
{
	if (watch->options.observer.on_suspect)
		watch->options.observer.on_suspect(watch->options.observer.context,
						   (pid_t)record->pid);
}

/* The record is older than init's latest exec, which the kernel side's counts know already. */
static bool is_of_old_life(const struct container *container, const struct record *record)
{
	return record->time_ns < container->life_ns;
}

/* Before what the record says, but after what older ones say. */
static void tell_exec(struct watch *watch, struct watched *watched, const struct record *record)
{
	if (watched->told_life == watched->container.life ||
	    is_of_old_life(&watched->container, record))
		return;
	watched->told_life = watched->container.life;
	watch_tell(watch, watched, WATCH_EXEC);
}

static void take_init(struct watch *watch, struct watched *watched, const struct record *record)
{
	bool is_exec = watched->told_life != watched->container.life;

	watch_take_init(watch, watched);
	(void)watch_identify(watch, watched);
	if (is_exec)
		tell_exec(watch, watched, record);
	else
		watch_tell(watch, watched, WATCH_INIT);
}

static void take_change(struct watch *watch, const struct record_change *record)
{
	struct watched *watched;

	if (record->head.flags == CHANGE_SANDBOX) {
		tell_suspect(watch, record);
		return;
	}
	watched = watch_lookup(watch, record->head.container);
	if (!watched || !watch_refresh(watch, &watched->container))
		return;
	if (record->head.flags != CHANGE_INIT)
		tell_exec(watch, watched, &record->head);
	switch ((enum change_kind)record->head.flags) {
	case CHANGE_INIT:
		take_init(watch, watched, &record->head);
		return;
	case CHANGE_TASK:
		watched->container.is_idle = false;
		watch_tell(watch, watched, WATCH_TASK);
		return;
	case CHANGE_IDLE:
		watch_tell(watch, watched, WATCH_IDLE);
		return;
	case CHANGE_SANDBOX: /* of no container */
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
		/* Whether work was left then; the record of a last exit may be lost. */
		container->is_idle = container->last_task.time_ns && !record->counts.tasks;
	}
	/* What the kernel kills because init is gone says nothing about the work. */
	if (record->role == ROLE_TASK && record->head.flags & EXIT_LAST &&
	    !(record->head.flags & EXIT_FORKED) && !container->is_gone && !container->is_asked &&
	    !is_of_old_life(container, &record->head)) {
		ended_set(&container->last_task, record);
		container->last_task.is_known = !(record->head.flags & EXIT_UNSURE);
	}
}

static void take_exit(struct watch *watch, const struct record_exit *record)
{
	struct watched *watched = NULL;
	struct container *container = NULL;

	if (record->head.container)
		watched = watch_lookup(watch, record->head.container);
	if (watched) {
		container = &watched->container;
		(void)watch_refresh(watch, container);
		tell_exec(watch, watched, &record->head);
		note_exit(container, record);
	}
	/* Of a container that is not told of yet: kept for then. */
	if (watch->options.observer.on_exit && !(watched && watched->is_new))
		watch->options.observer.on_exit(watch->options.observer.context, container, record);
	if (container && record->head.flags & EXIT_LAST &&
	    !is_of_old_life(container, &record->head)) {
		/* Two tasks that end at one moment may both be told as the last. */
		watch->last_exits += !container->is_idle && !container->is_gone;
		container->is_idle = true;
	}
}

void watch_on_record(void *context, const struct record *record)
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
