// SPDX-License-Identifier: Apache-2.0
#include "gvisor/unix_peers.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	PEERS_SOCKETS = 1024, /* of one process; more are not looked at */
	PEERS_CLOSED = 3,     /* both directions: RCV_SHUTDOWN | SEND_SHUTDOWN */
	PEERS_LISTENING = 10, /* TCP_LISTEN, which Unix sockets use, too */
};

struct sockets {
	uint32_t inodes[PEERS_SOCKETS];
	size_t count;
};

static int read_sockets(const char *proc, pid_t pid, struct sockets *ret_sockets)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%d/fd", proc, pid);
	dir = opendir(path);
	if (!dir)
		return -errno;

	while (ret_sockets->count < PEERS_SOCKETS && (entry = readdir(dir))) {
		char target[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (len < 0)
			continue; /* `..`, or closed meanwhile */
		target[len] = '\0';
		if (strncmp(target, "socket:[", 8) == 0)
			ret_sockets->inodes[ret_sockets->count++] = (uint32_t)strtoul(target + 8,
										      NULL, 10);
	}
	return 0;
}

static bool has_inode(const struct sockets *sockets, uint32_t inode)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->inodes[i] == inode)
			return true;
	return false;
}

static bool is_closed(const struct unix_diag_msg *socket, size_t len)
{
	const struct rtattr *attribute = (const struct rtattr *)(socket + 1);
	size_t left = len - sizeof(*socket);

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == UNIX_DIAG_SHUTDOWN)
			return (*(const uint8_t *)RTA_DATA(attribute) & PEERS_CLOSED) ==
			       PEERS_CLOSED;
	return false;
}

static void take_socket(const struct sockets *sockets, const struct nlmsghdr *header,
			struct unix_peers *peers)
{
	const struct unix_diag_msg *socket = NLMSG_DATA(header);
	size_t len = NLMSG_PAYLOAD(header, 0);

	if (len < sizeof(*socket) || socket->udiag_type != SOCK_SEQPACKET ||
	    socket->udiag_state == PEERS_LISTENING || !has_inode(sockets, socket->udiag_ino))
		return;
	if (is_closed(socket, len))
		peers->orphaned++;
	else
		peers->connected++;
}

static int ask(int netlink)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_UNIX, .udiag_states = ~0U},
	};

	return send(netlink, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

/* 1: there is more. */
static int take_answer(int netlink, const struct sockets *sockets, struct unix_peers *peers)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);
	const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
	size_t left = got > 0 ? (size_t)got : 0;

	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR)
			return -EPROTO;
		take_socket(sockets, header, peers);
	}
	return 1;
}

int unix_peers_read(const char *proc, pid_t pid, struct unix_peers *ret_peers)
{
	_cleanup_close_ int netlink = -1;
	struct unix_peers peers = {0};
	struct sockets sockets = {.count = 0};
	int more = read_sockets(proc, pid, &sockets);

	if (more < 0)
		return more;
	netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (netlink < 0)
		return -errno;
	more = ask(netlink);
	if (more < 0)
		return more;
	do {
		more = take_answer(netlink, &sockets, &peers);
	} while (more > 0);
	if (more == 0)
		*ret_peers = peers;
	return more;
}
