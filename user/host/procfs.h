/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of a process. `proc` is where it is mounted ("/proc"). Errors: negative errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/command_line.h"

/* The PID namespace of the host, whoever asks: PROC_PID_INIT_INO in the kernel. */
#define PROCFS_HOST_PID_NAMESPACE 0xEFFFFFFCU

struct procfs_stat {
	char comm[65];
	char state;
	pid_t parent;
	unsigned flags;	      /* PF_*; of the leader */
	uint64_t start_ticks; /* since boot, in 1/100 s */
};

/* -ESRCH if there is no such process. */
int procfs_read_stat(const char *proc, pid_t pid, struct procfs_stat *ret_stat);

/* Whether that thread is a zombie, or will not return to user space. */
bool procfs_stat_is_dying(const struct procfs_stat *stat);

/*
 * Has the process passed the point of no return: a zombie, or each of its threads exiting? It may
 * be listed for as long as its memory is being freed. True also if it is gone. Errors count as
 * alive: whoever asks wants to be sure of the opposite.
 */
bool procfs_is_dying(const char *proc, pid_t pid);

/* Whether `start_ns` (CLOCK_BOOTTIME) is this start, as exactly as /proc tells it. */
bool procfs_is_start(const struct procfs_stat *stat, uint64_t start_ns);

/*
 * The path of the process's cgroup in a hierarchy: `controller` "" is the unified one. Without the
 * " (deleted)" of a removed one. -ENOENT if it is in no such hierarchy.
 */
int procfs_read_cgroup(const char *proc, pid_t pid, const char *controller, char *ret_path,
		       size_t size);

/* For more than one question about the same process: all of them, and each as above. */
enum { PROCFS_CGROUPS_SIZE = 16384 };
int procfs_read_cgroups(const char *proc, pid_t pid, char ret_text[PROCFS_CGROUPS_SIZE]);
int procfs_find_cgroup(const char *text, const char *controller, char *ret_path, size_t size);

/* Inode of the process's PID namespace. */
int procfs_read_pid_namespace(const char *proc, pid_t pid, ino_t *ret_inode);

/* A descriptor (close-on-exec) of that namespace, and its inode. */
int procfs_open_pid_namespace(const char *proc, pid_t pid, int *ret_fd, ino_t *ret_inode);

/* Its id in its innermost PID namespace. */
int procfs_read_ns_pid(const char *proc, pid_t pid, pid_t *ret_ns_pid);

/* Is it PID 1 of a namespace that was made in the one that `proc` shows? False if it cannot be read. */
bool procfs_is_pid_1_below(const char *proc, pid_t pid);

/*
 * The beginning of its arguments. ANSWER_UNREADABLE if the file is empty: the kernel shows nothing during an
 * exec and of a zombie, and since 5.18 it starts no program without arguments.
 */
int procfs_read_command_line(const char *proc, pid_t pid, struct command_line *ret_line);

/* Path of the program it runs, as the kernel tells it; cut to size. */
int procfs_read_program(const char *proc, pid_t pid, char *ret_path, size_t size);
