/* SPDX-License-Identifier: Apache-2.0 */
/* Between table.c, process.c, apply.c and reconcile.c. */
#pragma once

#include <uthash.h>

#include "gvisor/table.h"

enum {
	/*
	 * A zombie's exit may be told again as long as it is one. So many of the dead are kept, so that they
	 * die once; one that was forgotten would be told to be an injected process that ended.
	 */
	GVISOR_DEAD_MAX = 4096,
	/* In one sandbox; who comes later is not counted, and found by the process list before a finish. */
	GVISOR_PROCESSES_MAX = 65536,
};

struct gvisor_guest {
	struct container container; /* first: guest_of */
	bool is_told;
	bool may_have_execed; /* events are missing: init may have become another program */
	bool has_init_status; /* by the end of init's last thread so far */
	int init_status;
	struct gvisor_guest *prev, *next;
};

struct gvisor_process {
	pid_t pid;
	pid_t parent;
	uint64_t start_ns; /* the guest's; 0: not known */
	uint32_t uid;
	enum role role;
	char comm[ABI_COMM_SIZE];
	struct gvisor_guest *guest;
	uint64_t joined; /* table->joins after it did */
	uint64_t listed; /* the number of the list that it was last in */
	bool is_dead;
	bool is_suspect; /* dead by the last list, while its exit was not told */
	UT_hash_handle hh;
	struct gvisor_process *prev, *next; /* among the dead */
};

struct gvisor_table {
	const char *const *helpers;
	struct gvisor_table_observer observer;
	struct gvisor_guest *guests;
	struct gvisor_process *processes;
	struct gvisor_process *dead; /* the oldest first */
	unsigned dead_count;
	uint64_t joins, lists;
	uint64_t boot_ns, ahead_ns;
};

/* How a process ended. */
struct ending {
	bool has_status;
	int status;
	pid_t tid;
	uint64_t time_ns;
};

static inline struct gvisor_guest *guest_of(struct container *container)
{
	return (struct gvisor_guest *)container;
}

/* A moment of the guest's CLOCK_REALTIME in CLOCK_BOOTTIME; never in the future. */
uint64_t table_boot_ns(const struct gvisor_table *table, uint64_t guest_ns);

bool comm_is_helper(const struct gvisor_table *table, const char *comm);
/* The role of what a process of that role starts: work, whatever its name, until it executes. */
enum role role_of_child(enum role parent);

struct gvisor_process *process_find(struct gvisor_table *table, pid_t pid);
/* Not in the table yet. NULL: no room, or no memory. */
struct gvisor_process *process_join(struct gvisor_table *table, struct gvisor_guest *guest,
				    pid_t pid, uint64_t start_ns, enum role role);
/* Of one that is alive. Tells the first task after none, or that none is left. */
void process_set_role(struct gvisor_table *table, struct gvisor_process *process, enum role role);
/* It executes or is found under this name, which may give it another role. */
void process_rename(struct gvisor_table *table, struct gvisor_process *process, const char *comm);
/*
 * Init is another program: a new life. What ended before was its entrypoint's; NULL: nothing is known of
 * its arguments. To be called before it is renamed.
 */
void process_begin_life(struct gvisor_process *process, uint64_t time_ns,
			const struct command_line *args);
/* It is its container's init. */
void process_make_init(struct gvisor_table *table, struct gvisor_process *process);
/* It has ended: told, and kept among the dead. */
void process_end(struct gvisor_table *table, struct gvisor_process *process,
		 const struct ending *ending);
/* Without telling anybody. */
void process_bury(struct gvisor_table *table, struct gvisor_process *process);
/* It was thought to be dead, and acts. */
void process_revive(struct gvisor_table *table, struct gvisor_process *process);
void process_free(struct gvisor_table *table, struct gvisor_process *process);
