// SPDX-License-Identifier: Apache-2.0
/* Files of /proc: names of processes, cgroups and mount points in them are anybody's words. */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/hierarchy.h"
#include "host/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each file of it has the input. In memory, where there is such a place. */
static char proc[] = "/dev/shm/fuzz-procfs-XXXXXX";

static const char *const folders[] = {"1", "1/task", "1/task/1", "1/ns", "self"};
static const char *const files[] = {"1/stat",	      "1/status",      "1/cgroup",
				    "1/cmdline",      "1/task/1/stat", "self/mounts",
				    "self/mountinfo", "mounts",	       "cgroups"};

enum { FOLDERS = sizeof(folders) / sizeof(folders[0]), FILES = sizeof(files) / sizeof(files[0]) };

static int fds[FILES];

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void remove_proc(void)
{
	char path[PATH_MAX];

	for (int i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", proc, files[i]);
		(void)unlink(path);
	}
	for (int i = FOLDERS - 1; i >= 0; i--) {
		(void)snprintf(path, sizeof(path), "%s/%s", proc, folders[i]);
		(void)rmdir(path);
	}
	(void)rmdir(proc);
}

static void make_proc(void)
{
	char path[PATH_MAX];

	require(mkdtemp(proc) != NULL);
	(void)atexit(remove_proc);
	for (int i = 0; i < FOLDERS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", proc, folders[i]);
		require(mkdir(path, 0700) == 0);
	}
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", proc, files[i]);
		fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		require(fds[i] >= 0);
	}
}

static void fill(const uint8_t *data, size_t size)
{
	for (int i = 0; i < FILES; i++) {
		require(ftruncate(fds[i], 0) == 0);
		require(pwrite(fds[i], data, size, 0) == (ssize_t)size);
	}
}

static void check_process(void)
{
	static const char *const controllers[] = {"", "pids", "name=systemd"};
	char text[256];
	struct command_line args;
	struct procfs_stat stat;
	pid_t pid;

	if (procfs_read_stat(proc, 1, &stat) == 0) {
		require(strnlen(stat.comm, sizeof(stat.comm)) < sizeof(stat.comm));
		(void)procfs_stat_is_dying(&stat);
		(void)procfs_is_start(&stat, 12345678901234);
	}
	(void)procfs_is_dying(proc, 1);
	if (procfs_read_ns_pid(proc, 1, &pid) == 0)
		require(pid > 0);
	if (procfs_read_command_line(proc, 1, &args) == 0) {
		const char *program = command_line_program(&args);

		require(args.size <= COMMAND_LINE_SIZE);
		require(strnlen(program, sizeof(args.bytes)) < sizeof(args.bytes));
	}
	for (unsigned i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		if (procfs_read_cgroup(proc, 1, controllers[i], text, sizeof(text)) == 0)
			require(text[0] == '/' && strnlen(text, sizeof(text)) < sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hierarchy hierarchy;
	struct error error;
	char text[600];

	if (!fds[0])
		make_proc();
	fill(data, size);
	check_process();
	if (hierarchy_detect(proc, &hierarchy, &error) == 0) {
		require(hierarchy.mount[0]);
		hierarchy_describe(&hierarchy, text, sizeof(text));
	}
	return 0;
}
