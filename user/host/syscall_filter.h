/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls this process may make, and its children: seccomp(2). Any other fails with ENOSYS,
 * as if the kernel did not have it, for which C libraries know a way around, and is told by name. It is
 * not the end of the process: one call that a list lacks must not end the one who ends containers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SYSCALL_NAME_SIZE = 64 };

struct syscall_filter;

/* A call that the filter has refused, here or in a child. */
struct syscall_refused {
	char name[SYSCALL_NAME_SIZE]; /* `execve`; the number, where there is no name */
	int pid;
};

/*
 * From now on and for good; with no_new_privs. -ENOSYS: the kernel has no filters, or this is a build
 * with sanitizers, which make calls of their own. Once in a process.
 */
int syscall_filter_install(struct syscall_filter **ret_filter, struct error *error);

/* Frees what reads of it; the filter itself stays, and now tells nobody. NULL is fine. */
void syscall_filter_free(struct syscall_filter *filter);

/* Readable when a call was refused. */
int syscall_filter_fd(const struct syscall_filter *filter);

/* The next one. -EAGAIN: there is none. A flood of them is cut, not waited for. */
int syscall_filter_read(struct syscall_filter *filter, struct syscall_refused *ret_refused);
