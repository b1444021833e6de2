/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * What the kernel side (bpf/) and the user side share, and nothing else.
 *
 * Fixed widths, explicit padding that is always written, kind and size first. Times are
 * nanoseconds of CLOCK_BOOTTIME. The BPF side takes __u32 and friends from vmlinux.h.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	ABI_COMM_SIZE = 16,
	/* The kernel's own limit for the path of a cgroup tracepoint (TRACE_CGROUP_PATH_LEN). */
	ABI_PATH_SIZE = 1024,
	/* So much of init's command line is kept. */
	ABI_ARGS_SIZE = 256,
	/* Programs that init was before, and how much of the command line of each is kept. */
	ABI_FORMERS = 4,
	ABI_FORMER_ARGS_SIZE = 60,
	/* So many changes of init's name or program are reported in one second of a container. */
	ABI_INIT_RECORDS = 8,
};

/* What a process is to its container: design words, see docs/architecture.md. */
enum role {
	ROLE_HOST = 0, /* in no container */
	ROLE_RUNTIME,  /* there before init: a stage of the runtime; never counted */
	ROLE_INIT,
	ROLE_TASK,
	ROLE_HELPER,
	ROLE_INJECTED,
	ROLE_COUNT,
};

/* Key of `processes` is the tgid (__u32). */
struct abi_process {
	__u64 container; /* cgroup id: key of `containers` */
	__u32 role;
	__u32 generation; /* adoption.generation when it was last seen alive */
	__u32 life;	  /* abi_container.life when it joined */
	__u32 pad;
};

struct abi_counts {
	__u32 tasks;
	__u32 helpers;
	__u32 injected;
	__u32 pad;
};

/* Of a task that did end, but nobody has seen how. */
enum { ABI_STATUS_UNSEEN = -1 };

/* How a task ended: kept here, too, because a record may be lost. Two that end at one moment may mix. */
struct abi_end {
	__u64 time_ns; /* 0: none */
	__u64 start_ns;
	__u32 pid;
	__s32 status; /* as wait4(2) gives it, or ABI_STATUS_UNSEEN */
	char comm[ABI_COMM_SIZE];
};

/* The program that init executes, as of its last exec. */
struct abi_program {
	__u64 file_inode; /* of the executable file; for a script, the interpreter's */
	__u64 exec_id;	  /* task_struct.self_exec_id: shows that an exec was not seen */
	__u32 file_device;
	__u32 args_size;	  /* of the whole command line; what exceeds ABI_ARGS_SIZE is cut */
	char comm[ABI_COMM_SIZE]; /* by the exec; the process may have renamed itself since */
	char args[ABI_ARGS_SIZE]; /* NUL-separated, the rest is zero */
	__u32 has_args; /* otherwise the exec was not seen, or the memory could not be read */
	__u32 pad;
};

/* A program that init was before. */
struct abi_former {
	char comm[ABI_COMM_SIZE];
	__u32 args_size; /* as in abi_program; 0 also if the command line is not known */
	char args[ABI_FORMER_ARGS_SIZE];
};

/*
 * Key of `containers` is the cgroup id (__u64). Only the kernel side writes these, after insertion.
 * A later layout may add to the end: what is here is read by the next version at its start.
 */
struct abi_container {
	struct abi_counts counts;
	__u64 task_exits;
	__u64 init_start_ns;
	__u32 init_pid;		      /* 0: none yet */
	__u32 init_level;	      /* of init's PID namespace; 0 is the host's */
	struct abi_end last_task;     /* at the last exit */
	struct abi_end first_failure; /* the first task that did not exit with 0 */
	/* adoption.generation when counting began here: members of an older one are not in `counts`. */
	__u32 generation;
	__u32 uncounted_in; /* adoption.recounts + 1 when a process found no room in `processes` */
	char init_comm[ABI_COMM_SIZE];
	__u32 init_pid_namespace; /* its inode number */
	/*
	 * Execs of init that began a new life: task_exits, last_task and first_failure are of this one
	 * alone. The agent compares it before it acts, because the record of an exec may be lost.
	 */
	__u32 life;
	__u64 life_ns; /* when that was; 0: never */
	__u64 told_ns; /* ABI_INIT_RECORDS: since when, and how many */
	__u32 told_count;
	__u32 is_init_execing; /* it is in an exec, or in one whose end was not seen */
	__u32 former_count;    /* all that there were, not only those kept */
	__u32 pad;
	struct abi_program program;
	struct abi_former formers[ABI_FORMERS]; /* the first ones, and the latest */
};

/*
 * Key of `history` is the cgroup id. Written by user space alone: what a container's work was where
 * it was counted before, in maps of another layout or under a nested cgroup.
 */
struct abi_history {
	__u64 task_exits;
	struct abi_end last_task;
	struct abi_end first_failure;
	__u32 life; /* abi_container.life that it belongs to: void in any other */
	__u32 pad;
};

/* Key of `helpers`: an LPM trie over command names; a NAME is stored with its NUL, a PREFIX without. */
struct abi_helper_key {
	__u32 prefix_bits;
	char comm[ABI_COMM_SIZE];
};

enum record_kind {
	RECORD_EXIT = 1,
	RECORD_CHANGE,
	RECORD_CGROUP,
};

struct record {
	__u16 kind;
	__u16 size;
	__u32 flags;
	__u64 time_ns;
	__u64 container; /* cgroup id, 0: none */
};

enum exit_flags {
	EXIT_LAST = 1 << 0,   /* took the container's tasks to zero: the last exit */
	EXIT_EMPTY = 1 << 1,  /* neither task nor injected process left */
	EXIT_OOM = 1 << 2,    /* the OOM killer's victim */
	EXIT_THREAD = 1 << 3, /* a thread ended, its process lives on */
	EXIT_UNSURE = 1 << 5, /* another process may be left that was not counted */
	EXIT_FORKED =
		1 << 4, /* a task that never was a program of its own, but a fork of a helper's */
};

struct record_exit {
	struct record head;
	__u64 start_ns;
	__u64 user_ns;	  /* by ticks, to be scaled to runtime_ns */
	__u64 system_ns;  /* by ticks, to be scaled to runtime_ns */
	__u64 runtime_ns; /* exact, user and system together */
	__u64 max_rss_pages;
	__u32 pid; /* thread group id */
	__u32 tid; /* thread that was last */
	__u32 parent_pid;
	__u32 ns_pid; /* in the innermost PID namespace */
	__u32 uid;
	__s32 status; /* as wait4(2) gives it */
	__u32 role;
	__u32 pad;
	struct abi_counts counts; /* after this exit */
	char comm[ABI_COMM_SIZE];
};

enum change_kind {
	CHANGE_INIT = 1, /* init is known, or has another name or program */
	CHANGE_TASK,	 /* first task after none */
	CHANGE_IDLE, /* no task is left, but none has exited: renamed to a helper, or moved away */
	CHANGE_SANDBOX, /* this process may be a gVisor sandbox; of no container, and without counts */
};

struct record_change {
	struct record head; /* flags: enum change_kind */
	__u64 start_ns;
	__u32 pid;
	__u32 pad;
	struct abi_counts counts;
	char comm[ABI_COMM_SIZE];
};

enum cgroup_kind {
	CGROUP_MADE = 1,
	CGROUP_REMOVED,
};

struct record_cgroup {
	struct record head; /* flags: enum cgroup_kind; container: the cgroup's own id */
	char path[ABI_PATH_SIZE];
};

/* What was lost, by name. One per-CPU slot each. */
enum loss {
	LOSS_RING_FULL = 0,   /* a record found no room */
	LOSS_PROCESSES_FULL,  /* a process could not be added to `processes` */
	LOSS_CONTAINERS_FULL, /* a new cgroup could not be added to `containers` */
	LOSS_STALE,	      /* a process was counted still, though it was dead */
	LOSS_UNCOUNTED,	      /* a process was found that nobody had counted */
	LOSS_COUNT,
};

/* How a process ended, in kinds few enough to count each. */
enum exit_result {
	RESULT_SUCCESS = 0, /* exit code 0 */
	RESULT_FAILURE,	    /* another exit code */
	RESULT_SIGNAL,	    /* killed by a signal */
	RESULT_OOM,	    /* killed by the OOM killer */
	RESULT_COUNT,
};

/* Index into `exits`: role * RESULT_COUNT + result. One per-CPU slot each. */
enum { EXITS_COUNT = ROLE_COUNT * RESULT_COUNT };

/* How much is written into the ring buffer. */
enum emit {
	EMIT_CHANGES = 0, /* what somebody must act on: the agent */
	EMIT_MEMBERS,	  /* every exit in a container */
	EMIT_ALL,	  /* every exit */
};

/* Set before loading, read-only afterwards: the verifier drops what is switched off. */
struct abi_settings {
	__s32 subsystem;    /* index into css_set.subsys, -1: the unified hierarchy */
	__u32 hierarchy_id; /* that hierarchy's number, 0: the unified one */
	__u32 emit;	    /* enum emit */
	__u32 pid;	    /* only this process, 0: any */
	__u32 uid;
	__u32 ring_bytes;
	__u8 has_uid;
	__u8 is_failed_only;
	__u8 is_last_only;
	__u8 has_threads;
	__u8 is_wake;	     /* wake the reader for changes; otherwise only when the buffer fills */
	__u8 has_group_dead; /* the BTF exit hook has that argument (since 6.16) */
	__u16 group_dead_at; /* where the classic one has it in its context, 0: nowhere */
};

/*
 * What is pinned, told by the one entry of the map `version`. Another layout: the maps cannot be
 * shared. Another object: the programs differ, but may run side by side on the same maps.
 */
enum { ABI_LAYOUT = 4 };

struct abi_version {
	__u32 layout;
	__u32 is_settled; /* whoever made it has counted everybody; without: made by one that died */
	__u64 object;	  /* a hash of the programs */
	__u32 max_processes;
	__u32 max_containers;
	__u32 is_classic; /* which variant of the hooks */
	__u32 pad;
	struct abi_settings settings;
};

/* What the task iterator does on its next read, written by user space. */
enum adopt_pass {
	ADOPT_FIND_INIT = 0,
	ADOPT_COUNT,
};

struct abi_adopt {
	__u32 is_active; /* members are being counted: forks of not yet counted members count, too */
	__u32 pass;	 /* enum adopt_pass */
	/* Grows with each count of all, so that who is not met in it is dead; and with each container. */
	__u32 generation;
	__u32 is_recount; /* all should have been counted already: who was not is a loss */
	/* The init that user space names, for a container without a PID namespace of its own. */
	__u64 named_container;
	__u32 named_pid;
	__u32 pad;
	__u32 recounts; /* grows with each count of all alone */
	__u32 ending; /* members met between their end and its hook, or just past it: look again soon */
};

enum { ABI_SWEEP_MAX = 256 };

/* Who was not met in the last count of all: user space lists them, the kernel side takes them out. */
struct abi_sweep {
	__u32 count; /* of tgids */
	__u32 done;  /* so many have been dealt with */
	__u32 tgids[ABI_SWEEP_MAX];
};

enum { ABI_SUSPECTS_MAX = 64 };

/* Who may be a gVisor sandbox, of those that the last count of all has met. */
struct abi_suspects {
	__u32 count; /* more than there is room for, perhaps */
	__u32 pids[ABI_SUSPECTS_MAX];
};

/*
 * What the reader of the iterator `holders` asks. The program reads it from the reader's own memory, so
 * the agent and the tracers that it forks can ask at the same time.
 */
struct abi_question {
	__u64 container; /* cgroup id */
	__u64 ended_start_ns;
	__u32 init_pid;
	__s32 namespace_fd; /* of init's PID namespace, open in the reader; -1: init is not its PID 1 */
	__u32 namespace_inode;
	__s32 ended_fd; /* pidfd of a process that may be an unreaped zombie, open in the reader; -1: none */
	__u32 ended_pid;
	__u32 also; /* enum holders_also */
};

/* Rows that are left out otherwise. */
enum holders_also {
	HOLDERS_INJECTED = 1 << 0, /* living injected processes */
	HOLDERS_ZOMBIES = 1 << 1,
};

/* What each row of the iterator's output is. Without HOLDER_ALONE or HOLDER_END the output is cut short. */
enum holder_kind {
	HOLDER_LIVING = 1, /* in the container's cgroup; init and helpers are left out */
	HOLDER_OUTSIDE,	   /* in init's PID namespace or one below, and in another cgroup */
	HOLDER_DYING,	   /* its last thread has begun to exit, and it is not dead yet */
	HOLDER_ZOMBIE,	   /* dead, and not reaped */
	HOLDER_ALONE,	   /* no more rows: init is the only process of its namespace */
	HOLDER_END,	   /* no more rows: all processes were looked at */
	HOLDER_UNREAD,	   /* no more rows: the question could not be read, or does not fit */
};

struct abi_holder {
	__u32 kind; /* enum holder_kind */
	__u32 pid;
	__u64 start_ns;
	__u32 parent_pid;
	__u32 role; /* enum role, as `processes` has it; ROLE_HOST: not there */
	char comm[ABI_COMM_SIZE];
};

_Static_assert(sizeof(struct abi_process) == 24, "ABI");
_Static_assert(sizeof(struct abi_counts) == 16, "ABI");
_Static_assert(sizeof(struct abi_end) == 40, "ABI");
_Static_assert(sizeof(struct abi_program) == 304, "ABI");
_Static_assert(sizeof(struct abi_former) == 80, "ABI");
_Static_assert(sizeof(struct abi_container) == 808, "ABI");
_Static_assert(sizeof(struct abi_history) == 96, "ABI");
_Static_assert(sizeof(struct abi_helper_key) == 20, "ABI");
_Static_assert(sizeof(struct record) == 24, "ABI");
_Static_assert(sizeof(struct record_exit) == 128, "ABI");
_Static_assert(sizeof(struct record_change) == 72, "ABI");
_Static_assert(sizeof(struct record_cgroup) == 1048, "ABI");
_Static_assert(sizeof(struct abi_settings) == 32, "ABI");
_Static_assert(sizeof(struct abi_adopt) == 40, "ABI");
_Static_assert(sizeof(struct abi_sweep) == 1032, "ABI");
_Static_assert(sizeof(struct abi_suspects) == 260, "ABI");
_Static_assert(sizeof(struct abi_question) == 40, "ABI");
_Static_assert(sizeof(struct abi_holder) == 40, "ABI");
_Static_assert(sizeof(struct abi_version) == 64, "ABI");
