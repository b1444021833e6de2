// SPDX-License-Identifier: Apache-2.0
/* Process lists to changes of the table. */
#include <stdlib.h>
#include <string.h>

#include "gvisor/table_private.h"

/* One list, and what is made of it. */
struct check {
	struct gvisor_table *table;
	struct gvisor_guest *guest;
	const struct gvisor_listing *listing;
	uint64_t mark;
	bool is_patient;
	bool has_suspect;
};

bool gvisor_listing_is_dead(const struct gvisor_listing *listing,
			    const struct gvisor_member *member)
{
	return listing->has_dump && !member->has_threads && !member->is_dumped;
}

uint64_t gvisor_table_mark(const struct gvisor_table *table)
{
	return table->joins;
}

static int compare_pid(const void *key, const void *element)
{
	const struct gvisor_member *member = element;
	pid_t pid = *(const pid_t *)key;

	return (pid > member->pid) - (pid < member->pid);
}

static const struct gvisor_member *find_member(const struct check *check, pid_t pid)
{
	if (!check->listing->count)
		return NULL;
	return bsearch(&pid, check->listing->members, check->listing->count,
		       sizeof(*check->listing->members), compare_pid);
}

static struct gvisor_process *find_in_guest(const struct check *check, pid_t pid)
{
	struct gvisor_process *process = process_find(check->table, pid);

	return process && process->guest == check->guest ? process : NULL;
}

/* The first without a parent: what is executed from outside comes later. 0: nobody. */
static pid_t guess_init(const struct check *check)
{
	for (size_t i = 0; i < check->listing->count; i++)
		if (check->listing->members[i].parent == 0)
			return check->listing->members[i].pid;
	return 0;
}

/*
 * By the way up to init or to a process that has a role, which all below it share. Orphans are init's
 * children, whoever made them. Each step goes to another member, so there are no more than members.
 */
static enum role role_by_origin(const struct check *check, const struct gvisor_member *member)
{
	for (size_t steps = 0; member && steps <= check->listing->count; steps++) {
		const struct gvisor_process *parent;

		if (member->parent == 0)
			return ROLE_INJECTED;
		parent = find_in_guest(check, member->parent);
		if (parent && !parent->is_dead)
			return role_of_child(parent->role);
		member = find_member(check, member->parent);
	}
	return ROLE_TASK;
}

static struct gvisor_process *join_member(const struct check *check,
					  const struct gvisor_member *member, enum role role)
{
	struct gvisor_process *process = process_join(check->table, check->guest, member->pid,
						      member->start_ns, role);

	if (!process)
		return NULL;
	process->parent = member->parent;
	process->uid = member->uid;
	process->listed = check->table->lists;
	memcpy(process->comm, member->comm, sizeof(process->comm));
	return process;
}

static void join_init(struct check *check)
{
	struct container *container = &check->guest->container;
	struct gvisor_process *process;
	const struct gvisor_member *member;
	pid_t pid;

	if (container->init.pid)
		return;
	pid = guess_init(check);
	member = find_member(check, pid);
	if (!member || gvisor_listing_is_dead(check->listing, member))
		return;
	process = find_in_guest(check, pid);
	if (!process)
		process = join_member(check, member, ROLE_RUNTIME);
	if (process && !process->is_dead)
		process_make_init(check->table, process);
}

static void end_unseen(struct check *check, struct gvisor_process *process)
{
	struct gvisor_guest *guest = check->guest;
	bool is_init = process->role == ROLE_INIT;
	struct ending ending = {
		.tid = process->pid,
		.time_ns = check->table->boot_ns,
		.has_status = is_init && guest->has_init_status,
		.status = is_init && guest->has_init_status ? guest->init_status : 0,
	};

	process_end(check->table, process, &ending);
}

/* Is the process that is known another one, which had the same number? */
static bool is_another(const struct gvisor_process *process, const struct gvisor_member *member)
{
	if (!member->start_ns)
		return false;
	/* What the dump has lives, so a dead one of which no start is known was another, too. */
	return process->start_ns ? process->start_ns != member->start_ns : process->is_dead;
}

static void update(struct check *check, struct gvisor_process *process,
		   const struct gvisor_member *member)
{
	process->listed = check->table->lists;
	process->parent = member->parent;
	process->uid = member->uid;
	if (process->is_dead)
		return;
	if (member->start_ns)
		process->start_ns = member->start_ns;
	if (!gvisor_listing_is_dead(check->listing, member)) {
		process->is_suspect = false;
		if (strncmp(process->comm, member->comm, sizeof(process->comm)) == 0)
			return;
		/* A name of its own choice, perhaps. In doubt it is waited for the work of another program. */
		if (process->role == ROLE_INIT && check->guest->may_have_execed)
			process_begin_life(process, check->table->boot_ns, NULL);
		process_rename(check->table, process, member->comm);
		return;
	}
	/* Joined after the list was asked for: between the two calls it had not begun to live yet. */
	if (process->joined > check->mark)
		return;
	if (check->is_patient && !process->is_suspect) {
		process->is_suspect = true;
		check->has_suspect = true;
		return;
	}
	end_unseen(check, process);
}

/* With its role from where it comes; it was there before anybody told. */
static void join_found(struct check *check, const struct gvisor_member *member)
{
	enum role role = role_by_origin(check, member);
	struct gvisor_process *process;

	if (gvisor_listing_is_dead(check->listing, member)) {
		/* Its exit may be told again, when it gets another parent. */
		process = join_member(check, member, ROLE_RUNTIME);
		if (process)
			process_bury(check->table, process);
		return;
	}
	if (role == ROLE_TASK && comm_is_helper(check->table, member->comm))
		role = ROLE_HELPER;
	(void)join_member(check, member, role);
}

static void take_member(struct check *check, const struct gvisor_member *member)
{
	struct gvisor_process *process = process_find(check->table, member->pid);

	if (process && process->guest != check->guest)
		return; /* numbers are the sandbox's: its list lies */
	if (process && is_another(process, member)) {
		if (!process->is_dead)
			end_unseen(check, process);
		process = process_find(check->table, member->pid);
		if (process)
			process_free(check->table, process);
		process = NULL;
	}
	if (process)
		update(check, process, member);
	else
		join_found(check, member);
}

/* Who is not listed and was there before the list was asked for has ended. */
static void end_missing(struct check *check)
{
	struct gvisor_process *process, *next;

	HASH_ITER(hh, check->table->processes, process, next) {
		if (process->guest != check->guest || process->joined > check->mark ||
		    process->listed == check->table->lists)
			continue;
		if (process->is_dead)
			process_free(check->table, process); /* reaped */
		else
			end_unseen(check, process);
	}
}

bool gvisor_table_reconcile(struct gvisor_table *table, struct container *container,
			    const struct gvisor_listing *listing, uint64_t mark, bool is_patient)
{
	struct check check = {
		.table = table,
		.guest = guest_of(container),
		.listing = listing,
		.mark = mark,
		.is_patient = is_patient,
	};

	table->lists++;
	join_init(&check);
	/* Who has come before who has gone, so that a container never looks idle in between. */
	for (size_t i = 0; i < listing->count; i++)
		if (!gvisor_listing_is_dead(listing, &listing->members[i]))
			take_member(&check, &listing->members[i]);
	for (size_t i = 0; i < listing->count; i++)
		if (gvisor_listing_is_dead(listing, &listing->members[i]))
			take_member(&check, &listing->members[i]);
	end_missing(&check);
	check.guest->may_have_execed = false;
	return check.has_suspect;
}
