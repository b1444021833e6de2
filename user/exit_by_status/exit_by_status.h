/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a process call exit_group(code) itself, so that it ends with that code and not by a signal.
 *
 * One of its threads is seized with ptrace, stopped, let run to its next system call, and given
 * exit_group in place of it. Its memory is read, never written. A small process of ours does that:
 * ptrace wants somebody who waits, the agent has a loop to run, and the kernel lets go of whatever
 * a tracer held when it dies. It dies with its parent, and ends by itself after a second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	EXIT_BY_STATUS_LIMIT_MS = 1000, /* no attempt takes longer */
};

enum exit_by_status_result {
	EXIT_BY_STATUS_DONE,		/* it is ending with that code */
	EXIT_BY_STATUS_GONE,		/* it had ended, or is another process by now */
	EXIT_BY_STATUS_ENDING,		/* it was already ending with a status of its own */
	EXIT_BY_STATUS_HELD,		/* may_go_on said no */
	EXIT_BY_STATUS_STOPPED,		/* by SIGSTOP or the like */
	EXIT_BY_STATUS_FROZEN,		/* its cgroup is */
	EXIT_BY_STATUS_UNINTERRUPTIBLE, /* it waits in the kernel for what cannot be interrupted */
	EXIT_BY_STATUS_TRACED,		/* it has another tracer */
	EXIT_BY_STATUS_SCOPE,		/* kernel.yama.ptrace_scope is 3 */
	EXIT_BY_STATUS_DENIED,		/* no CAP_SYS_PTRACE, or a security module */
	EXIT_BY_STATUS_SECCOMP,		/* its own filter forbids exit_group */
	EXIT_BY_STATUS_ABI,		/* of system calls, that lastout does not know */
	EXIT_BY_STATUS_TIMED_OUT,	/* it reached no system call in time */
	EXIT_BY_STATUS_FAILED,		/* otherwise: see the errno */
	EXIT_BY_STATUS_TRACER_DIED,	/* our own small process was killed */
};

struct exit_by_status_request {
	const char *proc;  /* where procfs is mounted: "/proc" */
	pid_t pid;	   /* as that procfs and our own PID namespace have it */
	uint64_t start_ns; /* CLOCK_BOOTTIME; what /proc tells must match */
	int pidfd;	   /* of that process, opened before it was verified */
	int code;	   /* 0 to 255 */
	/*
	 * The last look, taken while the thread stands still, and again if another has to be tried:
	 * from a process of a single thread nothing new can come between this and its end. Runs in
	 * the tracer, a fork of the caller: what it changes is lost. NULL: always yes.
	 */
	bool (*may_go_on)(void *context);
	/*
	 * It is certain now: the process is ending with the code, and stands until this returns, so
	 * that nobody can know of its end before. Runs in the tracer, too. May be NULL.
	 */
	void (*is_ending)(void *context);
	void *context; /* of both */
};

struct exit_by_status_report {
	enum exit_by_status_result result;
	int err;	  /* negative errno of FAILED and DENIED, else 0 */
	int status;	  /* DONE, ENDING, SECCOMP: as wait4 will tell it; else -1 */
	pid_t tid;	  /* the thread that was chosen; 0: none */
	pid_t tracer;	  /* of TRACED: whose; else 0 */
	uint64_t held_ns; /* from its first stop until it was let go */
	uint64_t took_ns; /* the whole */
};

/* All that the caller keeps; all zeroes is none. */
struct exit_by_status {
	pid_t tracer; /* our child */
	int fd;	      /* readable once the report is there, or the tracer is dead; not to be read */
};

/*
 * Starts an attempt and does not wait for it: some 0.3 ms. Watch ret->fd, then call
 * exit_by_status_finish(). 0 or a negative errno; then nothing was touched.
 */
int exit_by_status_start(const struct exit_by_status_request *request, struct exit_by_status *ret);

/*
 * Takes the report, waiting for it if need be, and reaps the tracer. Unless the result is DONE,
 * ENDING, GONE, or SECCOMP with a status, the process runs on, unharmed; after TRACER_DIED it does,
 * or it ends with the code. It may see what a stop and SIGCONT would show it too: EINTR from
 * epoll_wait and its like, signal(7).
 */
void exit_by_status_finish(struct exit_by_status *attempt,
			   struct exit_by_status_report *ret_report);

/* Ends an attempt early: the tracer is killed, and the kernel lets go. Does for none, too. */
void exit_by_status_cancel(struct exit_by_status *attempt);

/* One word, for metrics and JSON: `done`, `ptrace_scope`, `timed_out`. */
const char *exit_by_status_word(enum exit_by_status_result result);

/* For people, to stand behind "could not end it by exit status: ". */
const char *exit_by_status_text(enum exit_by_status_result result);
