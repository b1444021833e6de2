// SPDX-License-Identifier: Apache-2.0
#include "agent/follower_log.h"

#include "base/clock.h"
#include "core/exit_status.h"

void follower_log(const struct container *container, enum log_level level, const char *event,
		  const char *message, const char *key, const char *value)
{
	struct log_line line;

	log_begin(&line, level, event, message);
	log_string(&line, "container", container->identity.id);
	if (key)
		log_string(&line, key, value);
	log_end(&line);
}

/* How it ended decides how long to settle, also in a replay. */
static void put_last_task(struct log_line *line, const struct ended *last)
{
	char name[EXIT_STATUS_TEXT_SIZE];
	int signal = exit_status_signal(last->status);

	if (!last->is_known)
		return;
	log_uint(line, "last_pid", (uint64_t)last->process.pid);
	log_string(line, "last_comm", last->process.comm);
	if (last->time_ns > last->process.start_ns)
		log_uint(line, "last_lived_ms",
			 (last->time_ns - last->process.start_ns) / NS_PER_MS);
	if (!signal) {
		log_uint(line, "last_exit_code", (uint64_t)exit_status_code(last->status));
		return;
	}
	signal_name(signal, name, sizeof(name));
	log_string(line, "last_signal", name);
}

void follower_log_state(const struct container *container, enum lifecycle_state from,
			enum lifecycle_state to, enum lifecycle_event event)
{
	const struct abi_counts *counts = &container->counts;
	struct log_line line;

	if (from == to)
		log_begin(&line, LOG_LEVEL_DEBUG, "settle_again", "settle begins anew");
	else
		log_begin(&line, LOG_LEVEL_DEBUG, "state", "state changes");
	log_string(&line, "container", container->identity.id);
	log_string(&line, "from", lifecycle_state_name(from));
	log_string(&line, "to", lifecycle_state_name(to));
	log_string(&line, "why", lifecycle_event_name(event));
	log_uint(&line, "tasks", counts->tasks);
	log_uint(&line, "helpers", counts->helpers);
	log_uint(&line, "injected", counts->injected);
	if (event == LIFECYCLE_LAST_EXIT)
		put_last_task(&line, &container->last_task);
	log_end(&line);
}

/* What policies look at, so that a replay can. Not the environment: it may hold secrets. */
static void put_identity(struct log_line *line, const struct container *container)
{
	const struct identity *identity = &container->identity;

	log_string(line, "container", identity->id);
	log_string(line, "runtime", runtime_name(identity->runtime));
	if (identity->name)
		log_string(line, "name", identity->name);
	if (identity->image)
		log_string(line, "image", identity->image);
	if (identity->pod)
		log_string(line, "pod", identity->pod);
	if (identity->namespace)
		log_string(line, "namespace", identity->namespace);
}

static void put_init(struct log_line *line, const struct container *container)
{
	log_string(line, "init", container->init.comm);
	if (command_line_argument(&container->init_args, 0)) {
		log_string(line, "argv0", command_line_argument(&container->init_args, 0));
		log_string(line, "program", command_line_program(&container->init_args));
	}
	if (container->led_args.answer == ANSWER_VALUE)
		log_string(line, "leads_to", command_line_program(&container->led_args));
	log_uint(line, "init_pid", (uint64_t)container->init.pid);
}

void follower_log_found(const struct container *container)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "container", "found a container");
	put_identity(&line, container);
	log_string(&line, "cgroup", container->path);
	put_init(&line, container);
	log_uint(&line, "tasks", container->counts.tasks);
	log_end(&line);
}

void follower_log_init(const struct container *container)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "init", "init is known");
	put_identity(&line, container);
	put_init(&line, container);
	log_end(&line);
}

/* A replay forgets by this what came before. */
void follower_log_exec(const struct container *container)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "exec", "init executes another program");
	put_identity(&line, container);
	put_init(&line, container);
	log_uint(&line, "tasks", container->counts.tasks);
	log_end(&line);
}

void follower_log_holder(const struct container *container, const struct member *holder)
{
	struct log_line line;

	log_begin(&line, holder->is_outside ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "held",
		  "a container is held by a process");
	log_string(&line, "container", container->identity.id);
	log_uint(&line, "pid", (uint64_t)holder->pid);
	log_string(&line, "kind", member_kind(holder));
	log_end(&line);
}

void follower_log_stuck(const struct container *container, const struct abi_holder *holder)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_ERROR, "stuck", "a killed init does not end");
	log_string(&line, "container", container->identity.id);
	log_string(&line, "init", container->init.comm);
	if (holder) {
		log_string(&line, "reason",
			   holder->kind == HOLDER_ZOMBIE ?
				   "its parent does not reap a zombie of init's PID namespace" :
				   "a process of init's PID namespace is not dead");
		log_uint(&line, "pid", holder->pid);
		log_uint(&line, "parent", holder->parent_pid);
	}
	log_end(&line);
}
