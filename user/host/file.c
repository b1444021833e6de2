// SPDX-License-Identifier: Apache-2.0
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/cleanup.h"

static int read_from(const char *path, char *ret_text, size_t size, bool is_once)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t got = read(fd, ret_text + len, size - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		len += (size_t)got;
		if (got == 0 || is_once)
			break;
	}
	ret_text[len] = '\0';
	return (int)len;
}

int file_read_cut(const char *path, char *ret_text, size_t size)
{
	return read_from(path, ret_text, size, false);
}

int file_read_once(const char *path, char *ret_text, size_t size)
{
	return read_from(path, ret_text, size, true);
}

int file_read(const char *path, char *ret_text, size_t size)
{
	int len = file_read_cut(path, ret_text, size);

	return len >= 0 && (size_t)len == size - 1 ? -EFBIG : len;
}
