// SPDX-License-Identifier: Apache-2.0
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int try_lock(const char *directory, int *ret_fd, struct error *error)
{
	_cleanup_close_ int fd = -1;
	struct stat stat_buf;

	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return error_set(error, -errno, "cannot make %s: %s", directory, strerror(errno));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, "cannot open %s: %s", directory, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return error_set(error, -EWOULDBLOCK,
					 "another agent is running: it holds %s; stop it, or give "
					 "this one its own --run-dir",
					 directory);
		return error_set(error, -errno, "cannot lock %s: %s", directory, strerror(errno));
	}
	/* The one before us removed it as it left: what we hold is a directory without a name. */
	if (fstat(fd, &stat_buf) < 0 || stat_buf.st_nlink == 0)
		return -ESTALE;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

int lock_take(const char *directory, int *ret_fd, struct error *error)
{
	int err;

	do {
		err = try_lock(directory, ret_fd, error);
	} while (err == -ESTALE);
	return err;
}

void lock_release(const char *directory, int fd)
{
	(void)rmdir(directory); /* not empty: not ours to remove */
	(void)close(fd);
}
