// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/thread_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file.h"
#include "host/procfs.h"

enum { PATH_SIZE = 256 };

/* A folder of threads is laid out like procfs itself: TID/stat. */
static void task_path(char path[PATH_SIZE], const char *proc, pid_t pid)
{
	(void)snprintf(path, PATH_SIZE, "%s/%d/task", proc, pid);
}

/* The lower the better; negative: dying. */
static int rank(const char *task, pid_t pid, pid_t tid)
{
	struct procfs_stat stat;

	if (procfs_read_stat(task, tid, &stat) < 0 || procfs_stat_is_dying(&stat))
		return -1;
	return (stat.state == 'S' || stat.state == 'R' ? 0 : 2) + (tid == pid ? 0 : 1);
}

/* Sorted in; the worst falls out at the end. */
static size_t insert(pid_t *threads, int *ranks, size_t count, pid_t tid, int value)
{
	size_t at = count;

	while (at > 0 && ranks[at - 1] > value)
		at--;
	if (at == THREAD_CHOICE_MAX)
		return count;
	if (count == THREAD_CHOICE_MAX)
		count--;
	memmove(threads + at + 1, threads + at, (count - at) * sizeof(*threads));
	memmove(ranks + at + 1, ranks + at, (count - at) * sizeof(*ranks));
	threads[at] = tid;
	ranks[at] = value;
	return count + 1;
}

size_t thread_choose(const char *proc, pid_t pid, pid_t ret_threads[THREAD_CHOICE_MAX])
{
	_cleanup_closedir_ DIR *dir = NULL;
	char task[PATH_SIZE];
	int ranks[THREAD_CHOICE_MAX];
	const struct dirent *entry;
	size_t count = 0;

	task_path(task, proc, pid);
	dir = opendir(task);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		int value = tid > 0 ? rank(task, pid, tid) : -1;

		if (value >= 0)
			count = insert(ret_threads, ranks, count, tid, value);
		if (value == 0)
			break; /* none can be better */
	}
	return count;
}

bool thread_is_dying(const char *proc, pid_t pid, pid_t tid)
{
	char task[PATH_SIZE];

	task_path(task, proc, pid);
	return rank(task, pid, tid) < 0;
}

int thread_read_state(const char *proc, pid_t pid, pid_t tid, char *ret_state, char *ret_where,
		      size_t size)
{
	struct procfs_stat stat;
	char path[PATH_SIZE];
	int err;

	task_path(path, proc, pid);
	err = procfs_read_stat(path, tid, &stat);
	if (err)
		return err;
	(void)snprintf(path, sizeof(path), "%s/%d/task/%d/wchan", proc, pid, tid);
	if (file_read_cut(path, ret_where, size) < 0)
		ret_where[0] = '\0';
	*ret_state = stat.state;
	return 0;
}
