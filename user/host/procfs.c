// SPDX-License-Identifier: Apache-2.0
#include "host/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/file.h"

enum {
	PROCFS_PATH_SIZE = 256,
	PROCFS_NS_PIDS_SIZE = 512,	  /* namespaces nest 32 levels deep */
	PROCFS_FLAG_EXITING = 0x00000004, /* PF_EXITING: will not return to user space */
	PROCFS_TICKS_PER_SECOND = 100,	  /* USER_HZ, on every architecture that Debian has */
};

/* `proc`/PID/`rest`; proc is short and ours. */
static void pid_path(char path[PROCFS_PATH_SIZE], const char *proc, pid_t pid, const char *rest)
{
	(void)snprintf(path, PROCFS_PATH_SIZE, "%s/%d/%s", proc, pid, rest);
}

/* The command name is in parentheses and may contain more of them: it ends at the last one. */
static int parse_stat(const char *text, struct procfs_stat *ret_stat)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	struct procfs_stat stat = {0};
	unsigned long long start;
	size_t len;

	if (!open || !close || close < open)
		return -EINVAL;
	len = (size_t)(close - open - 1);
	if (len >= sizeof(stat.comm))
		len = sizeof(stat.comm) - 1;
	memcpy(stat.comm, open + 1, len);
	/* 3 state, 4 ppid … 9 flags … 22 starttime: proc(5) */
	if (sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &stat.state, &stat.parent, &stat.flags, &start) != 4)
		return -EINVAL;
	stat.start_ticks = start;
	*ret_stat = stat;
	return 0;
}

static int read_stat_file(const char *path, struct procfs_stat *ret_stat)
{
	char text[1024];
	int len = file_read_once(path, text, sizeof(text));

	if (len == -ENOENT)
		return -ESRCH;
	return len < 0 ? len : parse_stat(text, ret_stat);
}

int procfs_read_stat(const char *proc, pid_t pid, struct procfs_stat *ret_stat)
{
	char path[PROCFS_PATH_SIZE];

	pid_path(path, proc, pid, "stat");
	return read_stat_file(path, ret_stat);
}

bool procfs_stat_is_dying(const struct procfs_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X' || stat->flags & PROCFS_FLAG_EXITING;
}

/* Are all threads exiting? A leader may have ended long before its workers do. */
static bool threads_are_dying(const char *proc, pid_t pid)
{
	char path[PROCFS_PATH_SIZE], name[32];
	_cleanup_closedir_ DIR *dir = NULL;
	struct procfs_stat stat;
	struct dirent *entry;

	pid_path(path, proc, pid, "task");
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ESRCH;
	for (;;) {
		int err;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno == 0 || errno == ESRCH || errno == ENOENT;
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "task/%.10s/stat", entry->d_name);
		pid_path(path, proc, pid, name);
		err = read_stat_file(path, &stat);
		if (err == -ESRCH)
			continue;
		if (err || !procfs_stat_is_dying(&stat))
			return false;
	}
}

bool procfs_is_dying(const char *proc, pid_t pid)
{
	struct procfs_stat stat;
	int err = procfs_read_stat(proc, pid, &stat);

	if (err)
		return err == -ESRCH;
	return procfs_stat_is_dying(&stat) && threads_are_dying(proc, pid);
}

bool procfs_is_start(const struct procfs_stat *stat, uint64_t start_ns)
{
	return stat->start_ticks == start_ns / (1000000000ULL / PROCFS_TICKS_PER_SECOND);
}

/* Is `controller` one of the comma-separated names? "" is only the unified hierarchy's empty list. */
static bool list_has(const char *list, size_t len, const char *controller)
{
	size_t want = strlen(controller);

	if (want == 0)
		return len == 0;
	while (len) {
		const char *comma = memchr(list, ',', len);
		size_t part = comma ? (size_t)(comma - list) : len;

		if (part == want && memcmp(list, controller, want) == 0)
			return true;
		if (!comma)
			return false;
		list += part + 1;
		len -= part + 1;
	}
	return false;
}

/* `text` is the part of a line behind "HIERARCHY:CONTROLLERS:". */
static int take_path(const char *text, size_t len, char *ret_path, size_t size)
{
	static const char deleted[] = " (deleted)";
	size_t tail = sizeof(deleted) - 1;

	if (len == 0 || text[0] != '/')
		return -EINVAL;
	if (len > tail && memcmp(text + len - tail, deleted, tail) == 0)
		len -= tail;
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(ret_path, text, len);
	ret_path[len] = '\0';
	return 0;
}

int procfs_read_cgroups(const char *proc, pid_t pid, char ret_text[PROCFS_CGROUPS_SIZE])
{
	char path[PROCFS_PATH_SIZE];
	int len;

	pid_path(path, proc, pid, "cgroup");
	len = file_read_once(path, ret_text, PROCFS_CGROUPS_SIZE);
	if (len < 0)
		return len;
	return len == PROCFS_CGROUPS_SIZE - 1 ? -EFBIG : 0;
}

/* Of a line `HIERARCHY:CONTROLLERS:PATH` with that controller: where its path begins; else NULL. */
static const char *match_line(const char *line, const char *end, const char *controller)
{
	const char *list = memchr(line, ':', (size_t)(end - line));
	const char *rest = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;

	return rest && list_has(list + 1, (size_t)(rest - list - 1), controller) ? rest + 1 : NULL;
}

int procfs_find_cgroup(const char *text, const char *controller, char *ret_path, size_t size)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		const char *path = match_line(text, end, controller);

		if (path)
			return take_path(path, (size_t)(end - path), ret_path, size);
		text = *end ? end + 1 : end;
	}
	return -ENOENT;
}

int procfs_read_cgroup(const char *proc, pid_t pid, const char *controller, char *ret_path,
		       size_t size)
{
	char text[PROCFS_CGROUPS_SIZE];
	int err = procfs_read_cgroups(proc, pid, text);

	return err ? err : procfs_find_cgroup(text, controller, ret_path, size);
}

int procfs_read_pid_namespace(const char *proc, pid_t pid, ino_t *ret_inode)
{
	char path[PROCFS_PATH_SIZE];
	struct stat stat_buf;

	pid_path(path, proc, pid, "ns/pid");
	if (stat(path, &stat_buf) < 0)
		return -errno;
	*ret_inode = stat_buf.st_ino;
	return 0;
}

int procfs_open_pid_namespace(const char *proc, pid_t pid, int *ret_fd, ino_t *ret_inode)
{
	char path[PROCFS_PATH_SIZE];
	struct stat stat_buf;
	int fd, err = 0;

	pid_path(path, proc, pid, "ns/pid");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat_buf) < 0)
		err = -errno;
	if (err) {
		(void)close(fd);
		return err;
	}
	*ret_inode = stat_buf.st_ino;
	*ret_fd = fd;
	return 0;
}

/* What stands behind "NSpid:": from the namespace of /proc to the innermost one. */
static int read_ns_pids(const char *proc, pid_t pid, char *ret_pids, size_t size)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	char path[PROCFS_PATH_SIZE];
	size_t line_size = 0;
	int len;

	pid_path(path, proc, pid, "status");
	file = fopen(path, "re");
	if (!file)
		return -errno;
	/* By line: "Groups:" stands before it, and may be as long as it likes. */
	while (getline(&line, &line_size, file) > 0) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		len = snprintf(ret_pids, size, "%s", line + 6);
		return len < (int)size && strchr(line, '\n') ? 0 : -EINVAL; /* cut short */
	}
	return -ENODATA;
}

int procfs_read_ns_pid(const char *proc, pid_t pid, pid_t *ret_ns_pid)
{
	char pids[PROCFS_NS_PIDS_SIZE];
	const char *last;
	int err = read_ns_pids(proc, pid, pids, sizeof(pids));
	long ns_pid;

	if (err)
		return err;
	last = strrchr(pids, '\t');
	if (!last)
		return -EINVAL;
	ns_pid = strtol(last + 1, NULL, 10);
	if (ns_pid <= 0 || ns_pid > INT32_MAX)
		return -EINVAL;
	*ret_ns_pid = (pid_t)ns_pid;
	return 0;
}

bool procfs_is_pid_1_below(const char *proc, pid_t pid)
{
	char pids[PROCFS_NS_PIDS_SIZE] = "";
	const char *second;

	if (read_ns_pids(proc, pid, pids, sizeof(pids)) < 0 || pids[0] != '\t')
		return false;
	second = strchr(pids + 1, '\t');
	return second && strcmp(second, "\t1\n") == 0;
}

int procfs_read_command_line(const char *proc, pid_t pid, struct command_line *ret_line)
{
	char path[PROCFS_PATH_SIZE], bytes[COMMAND_LINE_SIZE + 2];
	int len;

	pid_path(path, proc, pid, "cmdline");
	len = file_read_once(path, bytes, sizeof(bytes));
	if (len < 0)
		return len;
	command_line_set(ret_line, bytes, (size_t)len);
	if (len == 0)
		ret_line->answer = ANSWER_UNREADABLE;
	return 0;
}

int procfs_read_program(const char *proc, pid_t pid, char *ret_path, size_t size)
{
	char path[PROCFS_PATH_SIZE];
	ssize_t len;

	pid_path(path, proc, pid, "exe");
	len = readlink(path, ret_path, size - 1);
	if (len < 0)
		return -errno;
	ret_path[len] = '\0';
	return 0;
}
