/* SPDX-License-Identifier: Apache-2.0 */
/* Which thread of a process to seize. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { THREAD_CHOICE_MAX = 4 };

/*
 * Threads that live, best first: the leader before the others, those that run or wait interruptibly
 * before those that do not. Gives how many.
 */
size_t thread_choose(const char *proc, pid_t pid, pid_t ret_threads[THREAD_CHOICE_MAX]);

/* Also if there is no such thread in that process. */
bool thread_is_dying(const char *proc, pid_t pid, pid_t tid);

/* Its state (`S`), and the function of the kernel in which it waits: "" if that is not told. */
int thread_read_state(const char *proc, pid_t pid, pid_t tid, char *ret_state, char *ret_where,
		      size_t size);
