/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a process's Unix sockets: sock_diag(7), of this network namespace. */
#pragma once

#include <sys/types.h>

struct unix_peers {
	unsigned connected; /* the other end is there */
	unsigned orphaned;  /* the other end is closed: nobody will ever read what is sent */
};

/* Of the process's SEQPACKET sockets, except those that listen. 0 or -errno. */
int unix_peers_read(const char *proc, pid_t pid, struct unix_peers *ret_peers);
