// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
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

/* --- what could not be read --- */

static struct unread unread;	/* the first failure */
static struct unread malformed; /* the last file that is no good */

void state_unread_clear(void)
{
	unread.err = malformed.err = 0;
}

bool state_unread_take(struct unread *ret_unread)
{
	*ret_unread = unread;
	return unread.err;
}

void state_unread_take_any(struct unread *ret_unread)
{
	*ret_unread = unread.err ? unread : malformed;
}

/* The whole path: `dir` is a descriptor, or AT_FDCWD for a path that is whole already. */
static void note(struct unread *into, int dir, const char *path, int err)
{
	char link[32], base[PATH_MAX], whole[2 * PATH_MAX + 2];
	ssize_t len;

	if (strncmp(path, "./", 2) == 0)
		path += 2;
	into->err = -err;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	len = dir < 0 ? 0 : readlink(link, base, sizeof(base) - 1);
	base[len > 0 ? len : 0] = '\0';
	(void)snprintf(whole, sizeof(whole), "%s%s%.*s", base, *base && path[0] != '/' ? "/" : "",
		       PATH_MAX, path);
	/* Cut if need be: it is for people. */
	(void)snprintf(into->path, sizeof(into->path), "%.*s", (int)sizeof(into->path) - 1, whole);
}

/* Returns the error, so that a reader can return it, too. */
static int failed(int dir, const char *path, int err)
{
	if (!unread.err)
		note(&unread, dir, path, err);
	return err;
}

static int no_good(int dir, const char *path, int err)
{
	note(&malformed, dir, path, err);
	return err;
}

static bool is_absent(int err)
{
	return err == -ENOENT || err == -ENOTDIR;
}

/* The path itself is a link, leads out, or is no file that can be opened: nothing of a runtime. */
static bool is_no_file(int err)
{
	return err == -ELOOP || err == -EXDEV || err == -ENXIO || err == -ENODEV;
}

/* --- opening --- */

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

int state_file_probe(void)
{
	int fd = open_below(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

int state_dir_open(const char *root, const char *dir)
{
	_cleanup_close_ int root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		return failed(AT_FDCWD, root, -errno);
	fd = open_below(root_fd, dir, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
	return fd >= 0 || is_absent(fd) ? fd : failed(root_fd, dir, fd);
}

int state_dir_open_below(int dir, const char *path)
{
	int fd = open_below(dir, path, O_RDONLY | O_DIRECTORY,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd >= 0 || is_absent(fd) || is_no_file(fd) ? fd : failed(dir, path, fd);
}

bool state_dir_has(int dir, const char *path)
{
	_cleanup_close_ int fd = open_below(dir, path, O_PATH | O_DIRECTORY,
					    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	if (fd < 0 && !is_absent(fd) && !is_no_file(fd))
		(void)failed(dir, path, fd);
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

	if (is_absent(fd))
		return -ENOENT;
	if (is_no_file(fd))
		return no_good(dir, path, -EBADMSG);
	if (fd < 0 || fstat(fd, &stat_buf) < 0)
		return failed(dir, path, fd < 0 ? fd : -errno);
	return S_ISREG(stat_buf.st_mode) ? STEAL_FD(fd) : no_good(dir, path, -EBADMSG);
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
		return failed(dir, path, -errno);
	if ((uint64_t)stat_buf.st_size > max)
		return no_good(dir, path, -EFBIG);
	text = malloc((size_t)stat_buf.st_size + 1);
	if (!text)
		return -ENOMEM;
	len = read_whole(fd, text, (size_t)stat_buf.st_size + 1);
	if (len < 0)
		return failed(dir, path, len);
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
		(void)failed(dir, "", -errno);
		cleanup_close(&fd);
		return;
	}
	for (unsigned left = SCAN_MAX; left > 0; left--) {
		errno = 0;
		entry = readdir(entries);
		if (!entry) {
			if (errno)
				(void)failed(dir, "", -errno);
			return;
		}
		if (state_id_is_valid(entry->d_name) && !visit(context, entry->d_name))
			return;
	}
}
