// SPDX-License-Identifier: Apache-2.0
#include "agent/follower_log.h"

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

void follower_log_state(const struct container *container, enum lifecycle_state from,
			enum lifecycle_state to, enum lifecycle_event event)
{
	const struct abi_counts *counts = &container->counts;
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "state", "state changes");
	log_string(&line, "container", container->identity.id);
	log_string(&line, "from", lifecycle_state_name(from));
	log_string(&line, "to", lifecycle_state_name(to));
	log_string(&line, "why", lifecycle_event_name(event));
	log_uint(&line, "tasks", counts->tasks);
	log_uint(&line, "helpers", counts->helpers);
	log_uint(&line, "injected", counts->injected);
	log_end(&line);
}

void follower_log_found(const struct container *container)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "container", "found a container");
	log_string(&line, "container", container->identity.id);
	log_string(&line, "runtime", runtime_name(container->identity.runtime));
	log_string(&line, "cgroup", container->path);
	log_string(&line, "init", container->init.comm);
	log_uint(&line, "init_pid", (uint64_t)container->init.pid);
	log_uint(&line, "tasks", container->counts.tasks);
	log_end(&line);
}

void follower_log_holder(const struct container *container, const struct member *holder)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "held", "a process still lives in the container");
	log_string(&line, "container", container->identity.id);
	log_uint(&line, "pid", (uint64_t)holder->pid);
	log_string(&line, "role", role_name(holder->role));
	log_end(&line);
}
