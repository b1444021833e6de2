/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread of another process under ptrace(2). Whoever uses this has SIGCHLD blocked and no
 * other children, and ends soon: the kernel then lets go of whatever is still held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum tracee_stop {
	TRACEE_RUNS,	/* the deadline came first */
	TRACEE_ASKED,	/* it stands because of tracee_interrupt() */
	TRACEE_STOPPED, /* its process is stopped, by SIGSTOP or the like */
	TRACEE_ENTRY,	/* it enters a system call */
	TRACEE_RETURN,	/* it comes out of one */
	TRACEE_ENDING,	/* it is about to end, with `status` */
	TRACEE_GONE,
};

struct tracee {
	pid_t tid;
	int status;		/* TRACEE_ENDING: as wait4 will tell it */
	uint32_t arch;		/* TRACEE_ENTRY: the system call's ABI, AUDIT_ARCH_… */
	bool has_refused_exit;	/* swallow the SIGSYS that its filter sends for our exit_group */
	uint64_t first_stop_ns; /* when it was first seen to stand; 0: never */
};

/* Does not stop it. 0 or a negative errno. */
int tracee_seize(struct tracee *tracee);

int tracee_interrupt(const struct tracee *tracee);

/* From any stop but TRACEE_STOPPED, to the next, which may be one at a system call. */
int tracee_resume(const struct tracee *tracee);

/* It must stand. Never fails in a way that matters: if it does not stand, it is dead. */
void tracee_detach(const struct tracee *tracee);

/* Waits until it stands or `deadline_ns` (CLOCK_BOOTTIME). Signals are delivered meanwhile. */
enum tracee_stop tracee_await(struct tracee *tracee, uint64_t deadline_ns);
