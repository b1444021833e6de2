/* SPDX-License-Identifier: Apache-2.0 */
/* A listening Unix socket with a name in the file system, for its owner alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>

#include "base/error.h"

#define UNIX_SOCKET_PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)

struct unix_socket {
	char path[UNIX_SOCKET_PATH_SIZE]; /* "": none */
	dev_t device;			  /* which file it is, and since when */
	ino_t inode;
	struct timespec made;
	bool has_made_folder;
};

/*
 * Makes the socket, of mode 0600, and its folder, of mode 0700, if that is missing. What a dead
 * listener left is replaced. -EADDRINUSE if a living one is there, -ENAMETOOLONG, -EEXIST if the
 * path is something else than a socket, or another negative errno. *ret_fd is non-blocking.
 */
int unix_socket_listen(const char *path, struct unix_socket *ret_socket, int *ret_fd,
		       struct error *error);

/* Removes the name, if it is still this socket's, and then the folder, if it was made. */
void unix_socket_remove(const struct unix_socket *made);

/* Fills in an address. -ENAMETOOLONG with the reason in `error`. */
int unix_socket_address(const char *path, struct sockaddr_un *ret_address, struct error *error);
