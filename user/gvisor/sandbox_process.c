// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gvisor/state.h"
#include "host/file.h"
#include "host/procfs.h"

enum { COMMAND_SIZE = 32768 };

/* Is it PREFIX and something behind? What is behind, then. */
static const char *behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 && text[len] ? text + len : NULL;
}

/* Not a pattern, and without a way around what it says. */
static bool is_plain_path(const char *path)
{
	return path[0] == '/' && !strpbrk(path, "*?[\\") && !strstr(path, "/..");
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
	if (!root || !is_plain_path(root) || strlen(root) >= sizeof(process->root))
		return false;
	if (last == text || last[0] == '-' || last[0] == '\0' || strchr(last, '/') ||
	    strlen(last) >= sizeof(process->id))
		return false;
	(void)snprintf(process->root, sizeof(process->root), "%s", root);
	(void)snprintf(process->id, sizeof(process->id), "%s", last);
	return true;
}

/*
 * Older releases of runsc leave their sandboxes in the PID namespace they were started in, the host's or
 * ours; later ones make each PID 1 of one of its own. A container's process, which may call itself whatever
 * it likes, is neither, but for its PID 1.
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

static int read_command(const char *proc, pid_t pid, struct gvisor_process *process)
{
	_cleanup_free_ char *text = malloc(COMMAND_SIZE);
	char path[256];
	int len;

	if (!text)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/%d/cmdline", proc, pid);
	len = file_read(path, text, COMMAND_SIZE);
	if (len < 0)
		return len == -EFBIG ? -ENOENT : -ESRCH;
	if (len == 0)
		return -EAGAIN;
	if (!parse_command(text, (size_t)len, process))
		return -ENOENT;
	process->pid = pid;
	return 0;
}

int gvisor_process_read(const char *proc, pid_t pid, struct gvisor_process *ret_process)
{
	ret_process->is_pid_1 = !is_outside(proc, pid, our_pid_namespace(proc));
	if (ret_process->is_pid_1 && !procfs_is_pid_1_below(proc, pid))
		return -ENOENT;
	return read_command(proc, pid, ret_process);
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

		if (pid <= 0 || !is_outside(proc, pid, ours))
			continue;
		process.is_pid_1 = false;
		if (read_command(proc, pid, &process) == 0)
			visit(context, &process);
	}
	return 0;
}
