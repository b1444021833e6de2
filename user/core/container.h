/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a container; one record for every part of lastout. Pure data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"
#include "core/command_line.h"
#include "core/identity.h"
#include "core/program.h"

/* (pid, start time): what a process is. Times are nanoseconds of CLOCK_BOOTTIME. */
struct process {
	uint64_t start_ns;
	pid_t pid;
	char comm[ABI_COMM_SIZE + 1];
};

struct ended {
	struct process process;
	uint64_t time_ns; /* 0: none has ended */
	int status;	  /* as wait4 gives it */
	bool is_known;	  /* the status is; an end that was not seen has a time alone */
};

/* Something has ended, and how was not seen. That is never success: EXIT_STATUS_UNKNOWN. */
bool ended_is_unseen(const struct ended *ended);

/* How far the runtime's state has told whose container it is. */
enum identified {
	IDENTIFIED_PENDING, /* nothing found yet */
	IDENTIFIED_HALF,    /* not all of it is written yet */
	IDENTIFIED,	    /* all there */
	IDENTIFIED_BY_PATH, /* no runtime keeps state for it: what its cgroup's path tells is all */
	/*
	 * State could not be read, see identity.unread: a name, label or namespace that is missing here
	 * may exist. Unlike with IDENTIFIED and IDENTIFIED_BY_PATH, "missing" is not an answer.
	 */
	IDENTIFIED_PARTLY,
};

struct container {
	uint64_t cgroup; /* id of its cgroup */
	char *path;	 /* of its cgroup, from the hierarchy's root; owned */
	struct identity identity;
	enum identified identified;
	struct process init; /* pid 0: none yet */
	struct command_line init_args;
	bool has_exec_args; /* those of its exec, which it cannot have overwritten since */
	struct program
		formers[ABI_FORMERS]; /* what init was before: the first ones, and the latest */
	unsigned former_count;
	struct command_line led_args; /* of the supervisor that init leads to, as last seen */
	ino_t pid_namespace;	      /* init's, 0 while unknown */
	bool is_pid_1;		      /* the kernel side says that init is PID 1 of it */
	uint32_t life;	      /* execs of init that began a new life: what follows is of this one */
	uint64_t life_ns;     /* when the last of them was; 0: never */
	bool is_init_execing; /* or the end of its exec was not seen */
	struct abi_counts counts;
	uint64_t task_exits;
	struct ended last_task;
	struct ended first_failure; /* the first task that did not exit with 0 */
	struct ended init_exit;
	bool is_idle;	/* its last exit was told, and no task has come since */
	bool is_gone;	/* init has ended */
	bool is_asked;	/* init was asked to end: what it starts and ends now is no work any more */
	void *follower; /* the agent's own, not looked at here */
};

/*
 * Its processes live inside a gVisor sandbox: pids are the sandbox's own, and `cgroup` is a number of
 * ours. No cgroup's id has that bit: a kernfs node's generation, in the upper half, counts from one.
 */
#define CONTAINER_GUEST_BIT (UINT64_C(1) << 63)
bool container_is_guest(const struct container *container);

/*
 * Forgets the ends that are older than the container's life: they were those of an entrypoint. Not while
 * it is being ended: then init's exec is its way to end, and the ends of before are the outcome.
 */
void container_forget_ends(struct container *container);

/* Init is about to be another program: what it is now becomes a former one. */
void container_keep_former(struct container *container);

/* May more still be learnt about whose it is? */
bool container_is_unidentified(const struct container *container);

/* Is a field that is missing from its identity known to be missing? */
bool container_is_fully_read(const struct container *container);

const char *role_name(enum role role);

/* What people call it: its name, or its id where it has none. */
const char *container_name(const struct container *container);
