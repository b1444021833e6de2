/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who lives in one sandbox's containers, and what each process is there: from events, set right by
 * process lists. Counts only propose, as those of the kernel side do. No I/O and no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "core/container.h"
#include "gvisor/wire.h"

/* As enum watch_change: what an observer of containers is told. */
enum gvisor_change {
	GVISOR_FOUND,	/* the container is known now; init and counts as far as they are */
	GVISOR_INIT,	/* init is known, or has another name */
	GVISOR_TASK,	/* a task joined after none */
	GVISOR_IDLE,	/* no task left, without an exit */
	GVISOR_REREAD,	/* the process list was read, and changed what was thought: look again */
	GVISOR_REMOVED, /* no longer the sandbox's; the container is freed after this call */
};

/*
 * What fits of an exit record. Pids are the sandbox's own, times were converted to CLOCK_BOOTTIME; CPU
 * times and memory stay zero. Without status nobody saw how the process ended: only that it is gone.
 */
struct gvisor_exit {
	struct record_exit record;
	bool has_status;
};

struct gvisor_table_observer {
	void (*on_change)(void *context, struct container *container, enum gvisor_change change);
	void (*on_exit)(void *context, struct container *container, const struct gvisor_exit *exit);
	void *context;
};

/* A container of the sandbox, as its state file names it. */
struct gvisor_named {
	const char *id;
	const char *cgroup; /* path, "" unknown */
	struct command_line init_args;
	const char *pod_uid;
	uint64_t key; /* what container.cgroup becomes: unique among all containers, never 0 */
};

/* One process of a process list. */
struct gvisor_member {
	pid_t pid;
	pid_t parent;	   /* 0: it entered from outside, or is init */
	uint64_t start_ns; /* 0 unknown: not in the dump */
	uint32_t uid;
	bool has_threads; /* besides its leader, or instead of it */
	bool is_dumped;
	char comm[ABI_COMM_SIZE];
};

struct gvisor_listing {
	struct gvisor_member *members; /* by pid */
	size_t count;
	bool has_dump; /* without, who is listed is alive */
};

/* Dead, and waiting to be reaped: no thread but its leader, and without memory. */
bool gvisor_listing_is_dead(const struct gvisor_listing *listing,
			    const struct gvisor_member *member);

struct gvisor_table;

/* `helpers`: NAME or PREFIX*, ended by NULL, besides the built-in ones; or NULL. -ENOMEM or 0. */
int gvisor_table_new(const char *const *helpers, const struct gvisor_table_observer *observer,
		     struct gvisor_table **ret_table);
void gvisor_table_free(struct gvisor_table *table);

/* The moment of what follows: CLOCK_BOOTTIME, and how far CLOCK_REALTIME is ahead of it. */
void gvisor_table_set_time(struct gvisor_table *table, uint64_t boot_ns, uint64_t ahead_ns);

/* -EEXIST, -ENOMEM or 0. The observer is told once gvisor_table_tell is called, or by the first event. */
int gvisor_table_add(struct gvisor_table *table, const struct gvisor_named *named,
		     struct container **ret_container);
/* False: it was told before. */
bool gvisor_table_tell(struct gvisor_table *table, struct container *container);
void gvisor_table_remove(struct gvisor_table *table, struct container *container);
struct container *gvisor_table_find(struct gvisor_table *table, const char *id);
/* Of the containers, in the order of their adding; NULL begins, NULL ends. */
struct container *gvisor_table_next(struct gvisor_table *table, struct container *container);

/*
 * Takes an event. False: its container is none of the table's. `*ret_has_doubt` becomes true if it
 * contradicts what is known: the process list should be read.
 */
bool gvisor_table_apply(struct gvisor_table *table, const struct gvisor_event *event,
			bool *ret_has_doubt);

/* Events are missing, or there are none: what a container's init executes may have been missed. */
void gvisor_table_miss(struct gvisor_table *table);

/* To be called before a process list is asked for: what joins later may be missing there. */
uint64_t gvisor_table_mark(const struct gvisor_table *table);

/*
 * Sets right what is known of a container. All events that were sent before the list was made must
 * have been applied. A process that seems dead while its exit is not told may have it under way: with
 * `is_patient` it becomes one only by the next list. True: there is such a one.
 */
bool gvisor_table_reconcile(struct gvisor_table *table, struct container *container,
			    const struct gvisor_listing *listing, uint64_t mark, bool is_patient);

/* What the process is; ROLE_HOST if it is not known to live. */
enum role gvisor_table_role(struct gvisor_table *table, pid_t pid);

/* Is its exit known? The number may have been listed since, as a zombie's is. */
bool gvisor_table_is_dead(struct gvisor_table *table, pid_t pid);

/* The sandbox is gone, and so is each init that was not told to be. */
void gvisor_table_end(struct gvisor_table *table);
