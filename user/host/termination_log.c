// SPDX-License-Identifier: Apache-2.0
#include "host/termination_log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"

/*
 * O_NONBLOCK: a fifo without a reader would hold us. O_APPEND: should the container write between our
 * look and our writing, ours comes behind its own.
 */
static int open_beneath(const char *root, const char *path)
{
	struct open_how how = {
		.flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		return -errno;
	path += strspn(path, "/");
	/* EAGAIN: something was renamed meanwhile, and the kernel could not be sure. */
	do {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	/* A folder or a fifo without a reader: the same to the caller as a device. */
	if (fd < 0 && (errno == EISDIR || errno == ENXIO))
		return -EINVAL;
	return fd < 0 ? -errno : fd;
}

static int check_file(int fd)
{
	struct stat stat_buf;

	if (fstat(fd, &stat_buf) < 0)
		return -errno;
	if (!S_ISREG(stat_buf.st_mode))
		return -EINVAL;
	if (stat_buf.st_nlink != 1) /* 0: nobody would ever read it */
		return -EMLINK;
	return stat_buf.st_size ? -ENOTEMPTY : 0;
}

/* The most whole characters that fit; bytes that are no UTF-8 are one each. */
static size_t cut(const char *text, size_t len, size_t room)
{
	size_t end = 0;

	while (end < len) {
		size_t size = utf8_valid_length((const unsigned char *)text + end, len - end);

		if (size == 0)
			size = 1;
		if (end + size > room)
			break;
		end += size;
	}
	return end;
}

int termination_log_write(const char *root, const char *path, const char *text, size_t len)
{
	_cleanup_close_ int fd = open_beneath(root, path);
	char line[TERMINATION_LOG_SIZE];
	ssize_t written;
	int err;

	if (fd < 0)
		return fd;
	err = check_file(fd);
	if (err)
		return err;
	len = cut(text, len, sizeof(line) - 1);
	memcpy(line, text, len);
	line[len++] = '\n';
	do {
		written = write(fd, line, len);
	} while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	return (size_t)written == len ? 0 : -EIO;
}
