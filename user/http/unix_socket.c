// SPDX-License-Identifier: Apache-2.0
#include "http/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { UNIX_SOCKET_BACKLOG = 64, PROBES = 15 };

int unix_socket_address(const char *path, struct sockaddr_un *ret_address, struct error *error)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return error_set(error, -ENAMETOOLONG,
				 "the path of a socket may be %zu bytes long, this one is %zu: %s",
				 sizeof(ret_address->sun_path) - 1, strlen(path), path);
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	memcpy(ret_address->sun_path, path, strlen(path));
	return 0;
}

/* The folder that a path is in; "" where there is nothing to be made. */
static void folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(folder, size, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static int make_folder(const char *path, bool *ret_has_made, struct error *error)
{
	char folder[UNIX_SOCKET_PATH_SIZE];

	folder_of(path, folder, sizeof(folder));
	*ret_has_made = false;
	if (!folder[0])
		return 0;
	if (mkdir(folder, 0700) == 0)
		*ret_has_made = true;
	else if (errno != EEXIST)
		return error_set(error, -errno, "cannot make %s: %s", folder, strerror(errno));
	return 0;
}

/* Whether somebody listens: only the kernel knows, and only one who connects is told. */
static int probe(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

/*
 * Nobody listens: a negative errno as connect(2) gives it. One who was killed just now listens for a
 * moment yet, if a child of its has the socket, too, and is about to follow.
 */
static int probe_patiently(const struct sockaddr_un *address)
{
	static const struct timespec moment = {.tv_nsec = 20000000};
	int err = probe(address);

	for (int i = 0; i < PROBES && (err == 0 || err == -EAGAIN); i++) {
		(void)nanosleep(&moment, NULL); /* cut short is fine */
		err = probe(address);
	}
	return err;
}

/* Removes what a listener left that was killed. */
static int clear_the_way(const struct sockaddr_un *address, struct error *error)
{
	const char *path = address->sun_path;
	struct stat found;
	int err;

	if (lstat(path, &found) < 0)
		return errno == ENOENT ? 0 :
					 error_set(error, -errno, "cannot look at %s: %s", path,
						   strerror(errno));
	if (!S_ISSOCK(found.st_mode))
		return error_set(error, -EEXIST,
				 "%s is there and is no socket; remove it, or give another path",
				 path);
	err = probe_patiently(address);
	/* EAGAIN: its queue is full */
	if (err == 0 || err == -EAGAIN)
		return error_set(error, -EADDRINUSE,
				 "another agent listens at %s; stop it, or give this one its own "
				 "--socket",
				 path);
	if (err != -ECONNREFUSED && err != -ENOENT)
		return error_set(error, err, "cannot tell who listens at %s: %s", path,
				 strerror(-err));
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(error, -errno, "cannot remove %s: %s", path, strerror(errno));
	return 0;
}

/* The kernel gives the file the mode that the socket has when it is bound. */
static int make(const struct sockaddr_un *address, struct unix_socket *socket_made, int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat made;

	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (lstat(address->sun_path, &made) < 0 || listen(fd, UNIX_SOCKET_BACKLOG) < 0) {
		int err = -errno;

		(void)unlink(address->sun_path);
		return err;
	}
	socket_made->device = made.st_dev;
	socket_made->inode = made.st_ino;
	socket_made->made = made.st_mtim;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static void remove_folder(const struct unix_socket *made)
{
	char folder[UNIX_SOCKET_PATH_SIZE];

	if (!made->has_made_folder)
		return;
	folder_of(made->path, folder, sizeof(folder));
	(void)rmdir(folder); /* not empty: not ours to remove */
}

int unix_socket_listen(const char *path, struct unix_socket *ret_socket, int *ret_fd,
		       struct error *error)
{
	struct unix_socket made = {.path = ""};
	struct sockaddr_un address;
	int err = unix_socket_address(path, &address, error);

	if (err)
		return err;
	memcpy(made.path, address.sun_path, sizeof(made.path));
	err = make_folder(path, &made.has_made_folder, error);
	if (!err)
		err = clear_the_way(&address, error);
	if (err)
		return err;
	err = make(&address, &made, ret_fd);
	if (err) {
		remove_folder(&made);
		return error_set(error, err, "cannot listen at %s: %s", path, strerror(-err));
	}
	*ret_socket = made;
	return 0;
}

void unix_socket_remove(const struct unix_socket *made)
{
	struct stat found;

	/* On some file systems the next file gets the number of the last one. */
	if (!made->path[0] || lstat(made->path, &found) < 0 || found.st_dev != made->device ||
	    found.st_ino != made->inode || found.st_mtim.tv_sec != made->made.tv_sec ||
	    found.st_mtim.tv_nsec != made->made.tv_nsec)
		return;
	(void)unlink(made->path);
	remove_folder(made);
}
