/* SPDX-License-Identifier: Apache-2.0 */
/* A handle to one process that no reuse of its number can redirect. pidfd_open(2), since 5.3. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor (close-on-exec, readable once the process has ended), or a negative errno. */
int pidfd_open_process(pid_t pid);

/*
 * Is the process dead: all its threads, and all that they had open? State Z is not enough: a leader
 * that ended before its threads is a zombie, too.
 */
bool pidfd_has_ended(int pidfd);
/* The same by its number. False if that cannot be found out. */
bool pidfd_is_dead(pid_t pid);

/* 0 or a negative errno; -ESRCH if the process has ended. */
int pidfd_signal(int pidfd, int signal);
