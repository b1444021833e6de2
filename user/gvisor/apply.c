// SPDX-License-Identifier: Apache-2.0
/* Events to changes of the table. */
#include <string.h>

#include "gvisor/table_private.h"

/* What an event brings along. */
struct arrival {
	struct gvisor_table *table;
	struct gvisor_guest *guest;
	const struct gvisor_event *event;
	bool has_doubt;
};

static struct ending unseen(const struct gvisor_table *table, const struct gvisor_process *process)
{
	return (struct ending){.tid = process->pid, .time_ns = table->boot_ns};
}

/*
 * The process with this number and start. Its number's earlier owner is dead, then, though that was not
 * told; an owner that started later means that the event is an old one, told again.
 */
static struct gvisor_process *find_started(struct arrival *arrival, pid_t pid, uint64_t start_ns,
					   bool *ret_is_old)
{
	struct gvisor_table *table = arrival->table;
	struct gvisor_process *process = process_find(table, pid);

	*ret_is_old = false;
	if (!process || process->guest != arrival->guest) {
		/* Numbers are the sandbox's: another container's process cannot have it. */
		*ret_is_old = process != NULL;
		arrival->has_doubt |= process != NULL;
		return NULL;
	}
	if (!process->start_ns && process->is_dead && arrival->event->kind != GVISOR_EXIT) {
		/* A zombie that was only ever seen in a list, and whose number is free again. */
		process_free(table, process);
		return NULL;
	}
	if (!process->start_ns)
		process->start_ns = start_ns;
	if (process->start_ns == start_ns)
		return process;
	if (process->start_ns > start_ns) {
		*ret_is_old = true;
		return NULL;
	}
	if (!process->is_dead) {
		struct ending ending = unseen(table, process);

		arrival->has_doubt = true;
		process_end(table, process, &ending);
	}
	process = process_find(table, pid); /* among the dead, where it may have been dropped */
	if (process)
		process_free(table, process);
	return NULL;
}

static struct gvisor_process *join(struct arrival *arrival, pid_t pid, uint64_t start_ns,
				   enum role role)
{
	struct gvisor_process *process = process_join(arrival->table, arrival->guest, pid, start_ns,
						      role);

	if (!process) {
		arrival->has_doubt = true;
		return NULL;
	}
	process->uid = arrival->event->uid;
	memcpy(process->comm, arrival->event->comm, sizeof(process->comm));
	return process;
}

/* The name that it has at this event: an exec told only what it was likely to become. */
static void take_name(const struct arrival *arrival, struct gvisor_process *process)
{
	if (strncmp(process->comm, arrival->event->comm, sizeof(process->comm)) != 0)
		process_rename(arrival->table, process, arrival->event->comm);
}

/*
 * The process that the event is of. One that nobody told of entered from outside (`runsc exec` sends
 * nothing), or its start was lost: the process list knows.
 */
static struct gvisor_process *find_actor(struct arrival *arrival)
{
	const struct gvisor_event *event = arrival->event;
	struct gvisor_process *process;
	bool is_old;

	process = find_started(arrival, event->pid, event->start_ns, &is_old);
	if (process && !process->is_dead && event->tid == event->pid)
		take_name(arrival, process);
	if (process && process->is_dead && event->kind != GVISOR_EXIT) {
		arrival->has_doubt = true;
		process_revive(arrival->table, process);
	}
	if (process || is_old)
		return process && !process->is_dead ? process : NULL;
	arrival->has_doubt = true;
	return join(arrival, event->pid, event->start_ns, ROLE_INJECTED);
}

static void take_start(struct arrival *arrival)
{
	const struct gvisor_event *event = arrival->event;
	struct gvisor_process *process;
	bool is_old;

	process = find_started(arrival, event->pid, event->start_ns, &is_old);
	if (is_old || (process && process->is_dead))
		return;
	if (!process)
		process = join(arrival, event->pid, event->start_ns, ROLE_RUNTIME);
	if (process)
		process_make_init(arrival->table, process);
}

static void take_clone(struct arrival *arrival)
{
	const struct gvisor_event *event = arrival->event;
	struct gvisor_process *parent, *child;
	bool is_old;

	if (event->child_pid == event->pid)
		return; /* a thread */
	parent = find_actor(arrival);
	child = find_started(arrival, event->child_pid, event->child_start_ns, &is_old);
	if (child || is_old)
		return; /* the process list was quicker */
	child = join(arrival, event->child_pid, event->child_start_ns,
		     role_of_child(parent ? parent->role : ROLE_INJECTED));
	if (child)
		child->parent = event->pid;
}

/* As bpf/exec.bpf.c has it: the same program again is no other, and a script is one of its own. */
static bool is_another_program(const struct container *container, const struct gvisor_event *event)
{
	const struct command_line *old = &container->init_args, *now = &event->args;

	return strncmp(container->init.comm, event->new_comm, ABI_COMM_SIZE) != 0 ||
	       old->size != now->size || memcmp(old->bytes, now->bytes, now->size) != 0;
}

static void take_exec(struct arrival *arrival)
{
	struct gvisor_process *process = find_actor(arrival);

	if (!process)
		return;
	process->uid = arrival->event->uid;
	/* A thread of it may have ended as if it had been the last: the exec made it so. */
	if (process->role == ROLE_INIT) {
		process->guest->has_init_status = false;
		if (is_another_program(&process->guest->container, arrival->event))
			process_begin_life(process,
					   table_boot_ns(arrival->table, arrival->event->time_ns),
					   &arrival->event->args);
	}
	process_rename(arrival->table, process, arrival->event->new_comm);
}

static void take_exit(struct arrival *arrival)
{
	const struct gvisor_event *event = arrival->event;
	struct gvisor_process *process = find_actor(arrival);
	struct ending ending = {
		.has_status = true,
		.status = event->status,
		.tid = event->tid,
		.time_ns = table_boot_ns(arrival->table, event->time_ns),
	};

	if (!process)
		return; /* told before: a zombie got another parent */
	process->uid = event->uid;
	process_end(arrival->table, process, &ending);
}

static void take_thread_exit(struct arrival *arrival)
{
	const struct gvisor_event *event = arrival->event;
	struct gvisor_guest *guest = arrival->guest;

	if (event->pid != guest->container.init.pid)
		return;
	guest->has_init_status = true;
	guest->init_status = event->status;
}

bool gvisor_table_apply(struct gvisor_table *table, const struct gvisor_event *event,
			bool *ret_has_doubt)
{
	struct arrival arrival = {.table = table, .event = event};
	struct container *container;

	if (event->kind == GVISOR_OTHER)
		return true;
	container = gvisor_table_find(table, event->container);
	if (!container)
		return false;
	arrival.guest = guest_of(container);
	if (event->kind == GVISOR_START)
		take_start(&arrival);
	else if (event->kind == GVISOR_CLONE)
		take_clone(&arrival);
	else if (event->kind == GVISOR_EXEC)
		take_exec(&arrival);
	else if (event->kind == GVISOR_EXIT)
		take_exit(&arrival);
	else
		take_thread_exit(&arrival);
	*ret_has_doubt |= arrival.has_doubt;
	return true;
}
