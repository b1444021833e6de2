// SPDX-License-Identifier: Apache-2.0
#include "sys/state_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	ID_LENGTH_MAX = 127, /* what a cgroup_identity has room for */
	GENERATED_ID_LENGTH = 64,
	SCAN_MAX = 1024, /* more containers than a host is meant to have */
	OPEN_TRIES = 8,	 /* the kernel gives up on `..` while something is renamed */
};

static int open_below(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = OPEN_TRIES;

	do {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN) && --tries > 0);
	return fd < 0 ? -errno : fd;
}

int state_dir_open(const char *root, const char *dir)
{
	_cleanup_close_ int root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		return -errno;
	return open_below(root_fd, dir, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
}

int state_dir_open_below(int dir, const char *path)
{
	return open_below(dir, path, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

bool state_dir_has(int dir, const char *path)
{
	_cleanup_close_ int fd = open_below(dir, path, O_PATH | O_DIRECTORY,
					    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd >= 0;
}

static int read_whole(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (int)len;
}

int state_file_open(int dir, const char *path)
{
	_cleanup_close_ int fd = open_below(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
					    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	struct stat stat_buf;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? -ENOENT : -EBADMSG;
	if (fstat(fd, &stat_buf) < 0)
		return -errno;
	return S_ISREG(stat_buf.st_mode) ? STEAL_FD(fd) : -EBADMSG;
}

int state_file_read(int dir, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd = state_file_open(dir, path);
	_cleanup_free_ char *text = NULL;
	struct stat stat_buf;
	int len;

	if (fd < 0)
		return fd;
	if (fstat(fd, &stat_buf) < 0)
		return -errno;
	if ((uint64_t)stat_buf.st_size > max)
		return -EFBIG;
	text = malloc((size_t)stat_buf.st_size + 1);
	if (!text)
		return -ENOMEM;
	len = read_whole(fd, text, (size_t)stat_buf.st_size + 1);
	if (len < 0)
		return len;
	if (len > stat_buf.st_size)
		return -EAGAIN;
	text[len] = '\0';
	*ret_text = STEAL_PTR(text);
	*ret_len = (size_t)len;
	return 0;
}

static bool is_id_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("_+-.", c));
}

bool state_id_is_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > ID_LENGTH_MAX || id[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_id_character(id[i]))
			return false;
	return true;
}

bool state_id_is_generated(const char *id)
{
	return strlen(id) == GENERATED_ID_LENGTH &&
	       strspn(id, "0123456789abcdef") == GENERATED_ID_LENGTH;
}

void state_dir_scan(int dir, state_dir_visit_fn visit, void *context)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!entries) {
		cleanup_close(&fd);
		return;
	}
	for (unsigned left = SCAN_MAX; left > 0 && (entry = readdir(entries)); left--)
		if (state_id_is_valid(entry->d_name) && !visit(context, entry->d_name))
			return;
}
