// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/helpers.h"
#include "gvisor/table_private.h"

uint64_t table_boot_ns(const struct gvisor_table *table, uint64_t guest_ns)
{
	uint64_t boot_ns = guest_ns > table->ahead_ns ? guest_ns - table->ahead_ns : 0;

	return boot_ns < table->boot_ns ? boot_ns : table->boot_ns;
}

static bool pattern_matches(const char *pattern, const char *comm)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, comm, len - 1) == 0;
	/* A longer name cannot match whole: the kernel, and so the sandbox, cuts it. */
	return strncmp(pattern, comm, ABI_COMM_SIZE - 1) == 0;
}

static bool any_matches(const char *const *patterns, const char *comm)
{
	for (; patterns && *patterns; patterns++)
		if (pattern_matches(*patterns, comm))
			return true;
	return false;
}

bool comm_is_helper(const struct gvisor_table *table, const char *comm)
{
	const char *built_in[HELPER_NAMES_MAX];

	helper_names_built_in(built_in);
	return any_matches(built_in, comm) || any_matches(table->helpers, comm);
}

enum role role_of_child(enum role parent)
{
	return parent == ROLE_INJECTED ? ROLE_INJECTED : ROLE_TASK;
}

static void tell(struct gvisor_table *table, struct gvisor_guest *guest, enum gvisor_change change)
{
	if (guest->is_told)
		table->observer.on_change(table->observer.context, &guest->container, change);
}

static void count_add(struct gvisor_guest *guest, enum role role, int delta)
{
	struct abi_counts *counts = &guest->container.counts;

	if (role == ROLE_TASK)
		counts->tasks += (unsigned)delta;
	else if (role == ROLE_HELPER)
		counts->helpers += (unsigned)delta;
	else if (role == ROLE_INJECTED)
		counts->injected += (unsigned)delta;
}

static void count_join(struct gvisor_table *table, struct gvisor_guest *guest, enum role role)
{
	count_add(guest, role, 1);
	if (role != ROLE_TASK || guest->container.counts.tasks != 1)
		return;
	guest->container.is_idle = false;
	tell(table, guest, GVISOR_TASK);
}

struct gvisor_process *process_find(struct gvisor_table *table, pid_t pid)
{
	struct gvisor_process *process;

	HASH_FIND(hh, table->processes, &pid, sizeof(pid), process);
	return process;
}

struct gvisor_process *process_join(struct gvisor_table *table, struct gvisor_guest *guest,
				    pid_t pid, uint64_t start_ns, enum role role)
{
	struct gvisor_process *process;

	if (HASH_COUNT(table->processes) >= GVISOR_PROCESSES_MAX)
		return NULL;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	process->start_ns = start_ns;
	process->guest = guest;
	process->role = role;
	process->joined = ++table->joins;
	HASH_ADD(hh, table->processes, pid, sizeof(process->pid), process);
	count_join(table, guest, role);
	return process;
}

void process_set_role(struct gvisor_table *table, struct gvisor_process *process, enum role role)
{
	struct gvisor_guest *guest = process->guest;
	enum role old = process->role;

	if (old == role)
		return;
	/* Up before down, so that a container never looks idle in between. */
	process->role = role;
	count_join(table, guest, role);
	count_add(guest, old, -1);
	if (old == ROLE_TASK && guest->container.counts.tasks == 0)
		tell(table, guest, GVISOR_IDLE);
}

static void init_named(struct gvisor_table *table, struct gvisor_process *process)
{
	struct container *container = &process->guest->container;

	memcpy(container->init.comm, process->comm, sizeof(process->comm));
	tell(table, process->guest, GVISOR_INIT);
}

void process_rename(struct gvisor_table *table, struct gvisor_process *process, const char *comm)
{
	(void)snprintf(process->comm, sizeof(process->comm), "%s", comm);
	if (process->role == ROLE_INIT)
		init_named(table, process);
	else if (process->role == ROLE_TASK || process->role == ROLE_HELPER)
		process_set_role(table, process,
				 comm_is_helper(table, process->comm) ? ROLE_HELPER : ROLE_TASK);
}

void process_begin_life(struct gvisor_process *process, uint64_t time_ns,
			const struct command_line *args)
{
	struct container *container = &process->guest->container;

	container_keep_former(container);
	container->life++;
	container->life_ns = time_ns;
	container->has_exec_args = args;
	container->init_args = args ? *args : (struct command_line){0};
	container->task_exits = 0;
	if (!container->is_asked)
		container->is_idle = false;
	container_forget_ends(container);
}

void process_make_init(struct gvisor_table *table, struct gvisor_process *process)
{
	struct gvisor_guest *guest = process->guest;
	struct gvisor_process *old = process_find(table, guest->container.init.pid);

	if (old == process && process->role == ROLE_INIT)
		return;
	/* It was only thought to be init, being the first without a parent. */
	if (old && old != process && !old->is_dead && old->guest == guest && old->role == ROLE_INIT)
		process_set_role(table, old, ROLE_INJECTED);
	process_set_role(table, process, ROLE_INIT);
	guest->container.init.pid = process->pid;
	guest->container.init.start_ns = table_boot_ns(table, process->start_ns);
	guest->container.is_gone = false;
	guest->has_init_status = false;
	init_named(table, process);
}

static void ended_set(struct ended *ended, const struct gvisor_exit *exit)
{
	const struct record_exit *record = &exit->record;

	ended->process.pid = (pid_t)record->pid;
	ended->process.start_ns = record->start_ns;
	memcpy(ended->process.comm, record->comm, ABI_COMM_SIZE);
	ended->status = record->status;
	ended->time_ns = record->head.time_ns;
	ended->is_known = exit->has_status;
}

static void note_exit(struct container *container, const struct gvisor_exit *exit)
{
	if (exit->record.role == ROLE_INIT) {
		ended_set(&container->init_exit, exit);
		container->is_gone = true;
	} else if (exit->record.head.flags & EXIT_LAST && !container->is_gone) {
		/* What is killed because init is gone says nothing about the work. */
		ended_set(&container->last_task, exit);
	}
}

static void fill_exit(const struct gvisor_table *table, const struct gvisor_process *process,
		      const struct ending *ending, struct gvisor_exit *ret_exit)
{
	const struct container *container = &process->guest->container;
	struct record_exit record = {
		.head = {.kind = RECORD_EXIT,
			 .size = sizeof(record),
			 .time_ns = ending->time_ns,
			 .container = container->cgroup},
		.start_ns = process->start_ns ? table_boot_ns(table, process->start_ns) : 0,
		.pid = (uint32_t)process->pid,
		.tid = (uint32_t)ending->tid,
		.parent_pid = (uint32_t)process->parent,
		.ns_pid = (uint32_t)process->pid,
		.uid = process->uid,
		.status = ending->status,
		.role = process->role,
		.counts = container->counts,
	};

	if (process->role == ROLE_TASK && record.counts.tasks == 0)
		record.head.flags |= EXIT_LAST;
	if (record.counts.tasks == 0 && record.counts.injected == 0)
		record.head.flags |= EXIT_EMPTY;
	memcpy(record.comm, process->comm, sizeof(record.comm));
	ret_exit->record = record;
	ret_exit->has_status = ending->has_status;
}

void process_end(struct gvisor_table *table, struct gvisor_process *process,
		 const struct ending *ending)
{
	struct container *container = &process->guest->container;
	struct gvisor_exit exit;

	(void)gvisor_table_tell(table, container);
	count_add(process->guest, process->role, -1);
	if (process->role == ROLE_TASK)
		container->task_exits++;
	fill_exit(table, process, ending, &exit);
	process_bury(table, process);
	note_exit(container, &exit);
	table->observer.on_exit(table->observer.context, container, &exit);
	if (exit.record.head.flags & EXIT_LAST)
		container->is_idle = true;
}

void process_bury(struct gvisor_table *table, struct gvisor_process *process)
{
	process->is_dead = true;
	DL_APPEND(table->dead, process);
	if (++table->dead_count > GVISOR_DEAD_MAX)
		process_free(table, table->dead);
}

void process_revive(struct gvisor_table *table, struct gvisor_process *process)
{
	DL_DELETE(table->dead, process);
	table->dead_count--;
	process->is_dead = false;
	count_join(table, process->guest, process->role);
}

void process_free(struct gvisor_table *table, struct gvisor_process *process)
{
	if (process->is_dead) {
		DL_DELETE(table->dead, process);
		table->dead_count--;
	}
	HASH_DEL(table->processes, process);
	free(process);
}
