// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "sys/gvisor_state.h"
#include "sys/procfs.h"

enum { COMMAND_SIZE = 32768 };

/* Is it PREFIX and something behind? What is behind, then. */
static const char *behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 && text[len] ? text + len : NULL;
}

/* `runsc-sandbox --root=ROOT ... boot ... ID`, in whatever order. Arguments are ended by NUL, each. */
static bool parse_command(const char *text, size_t len, struct gvisor_process *process)
{
	const char *argument = text, *root = NULL, *last = NULL;

	if (text[len - 1] != '\0' || strcmp(text, "runsc-sandbox") != 0)
		return false;
	for (; argument < text + len; argument += strlen(argument) + 1) {
		const char *value = behind(argument, "--root=");

		root = value ? value : root;
		last = argument;
	}
	if (!root || root[0] != '/' || strlen(root) >= sizeof(process->root))
		return false;
	if (last == text || last[0] == '-' || last[0] == '\0' || strchr(last, '/') ||
	    strlen(last) >= sizeof(process->id))
		return false;
	(void)snprintf(process->root, sizeof(process->root), "%s", root);
	(void)snprintf(process->id, sizeof(process->id), "%s", last);
	return true;
}

/*
 * runsc leaves its sandboxes in the PID namespace it was started in: the host's, or ours. A container's
 * process, which may call itself whatever it likes, has one of its own; its command line is not even
 * read.
 */
static bool is_outside(const char *proc, pid_t pid, ino_t ours)
{
	ino_t inode;

	if (procfs_read_pid_namespace(proc, pid, &inode) < 0)
		return false;
	return inode == PROCFS_HOST_PID_NAMESPACE || inode == ours;
}

/* The host's, where it cannot be read: that one counts anyway. */
static ino_t our_pid_namespace(const char *proc)
{
	ino_t ours;

	if (procfs_read_pid_namespace(proc, getpid(), &ours) < 0)
		return PROCFS_HOST_PID_NAMESPACE;
	return ours;
}

static int read_process(const char *proc, pid_t pid, ino_t ours, struct gvisor_process *ret_process)
{
	_cleanup_free_ char *text = NULL;
	char path[256];
	int len;

	if (!is_outside(proc, pid, ours))
		return -ENOENT;
	text = malloc(COMMAND_SIZE);
	if (!text)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/%d/cmdline", proc, pid);
	len = file_read(path, text, COMMAND_SIZE);
	if (len < 0)
		return len == -EFBIG ? -ENOENT : -ESRCH;
	if (len == 0)
		return -EAGAIN;
	if (!parse_command(text, (size_t)len, ret_process))
		return -ENOENT;
	ret_process->pid = pid;
	return 0;
}

int gvisor_process_read(const char *proc, pid_t pid, struct gvisor_process *ret_process)
{
	return read_process(proc, pid, our_pid_namespace(proc), ret_process);
}

int gvisor_process_scan(const char *proc,
			void (*visit)(void *context, const struct gvisor_process *process),
			void *context)
{
	_cleanup_closedir_ DIR *dir = opendir(proc);
	struct gvisor_process process;
	const struct dirent *entry;
	ino_t ours = our_pid_namespace(proc);

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_process(proc, pid, ours, &process) == 0)
			visit(context, &process);
	}
	return 0;
}
