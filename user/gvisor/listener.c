// SPDX-License-Identifier: Apache-2.0
#include "gvisor/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "gvisor/wire.h"

enum {
	LISTENER_BACKLOG = 128,
	/* Between runsc's handshake and the sandbox's first message may lie a long wait for its start. */
	LISTENER_CALLERS = 4096,
};

/* One who has connected: runsc first, then the sandbox that it gave its end to. */
struct caller {
	struct gvisor_listener *listener;
	int fd;
	bool is_greeted;
	struct event *readable;
	struct caller *prev, *next;
};

struct gvisor_listener {
	struct event_base *base;
	int fd;
	struct sockaddr_un address;
	struct event *readable;
	struct caller *callers;
	unsigned caller_count;
	uint64_t refused;
	gvisor_connected_fn on_connected;
	void *context;
};

static void caller_free(struct caller *caller)
{
	DL_DELETE(caller->listener->callers, caller);
	caller->listener->caller_count--;
	if (caller->readable)
		event_free(caller->readable);
	if (caller->fd >= 0)
		(void)close(caller->fd);
	free(caller);
}

static void refuse(struct caller *caller)
{
	caller->listener->refused++;
	caller_free(caller);
}

static void greet(struct caller *caller)
{
	uint8_t packet[GVISOR_HANDSHAKE_SIZE * 4], reply[GVISOR_HANDSHAKE_SIZE];
	ssize_t len = recv(caller->fd, packet, sizeof(packet), MSG_DONTWAIT);
	int reply_len;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len == 0) {
		caller_free(caller); /* changed its mind */
		return;
	}
	reply_len = len < 0 ? -errno : gvisor_wire_answer(packet, (size_t)len, reply);
	if (reply_len < 0 ||
	    send(caller->fd, reply, (size_t)reply_len, MSG_DONTWAIT | MSG_NOSIGNAL) != reply_len)
		refuse(caller);
	else
		caller->is_greeted = true;
}

/* Who wrote the packet that waits, as the kernel says. It stays there. 0: somebody unknown to us. */
static int peek_sender(int fd, pid_t *ret_pid)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = {0};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t len = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct ucred sender;

	if (len < 0)
		return -errno;
	if (len == 0)
		return -ECONNRESET;
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS ||
	    header->cmsg_len != CMSG_LEN(sizeof(sender)))
		return -EBADMSG;
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	*ret_pid = sender.pid;
	return sender.pid > 0 ? 0 : -EBADMSG;
}

static void hand_over(struct caller *caller)
{
	struct gvisor_listener *listener = caller->listener;
	pid_t pid = 0;
	int err = peek_sender(caller->fd, &pid), fd;

	if (err == -EAGAIN || err == -EINTR)
		return;
	if (err == -ECONNRESET) {
		caller_free(caller); /* a sandbox that was never started */
		return;
	}
	if (err) {
		refuse(caller);
		return;
	}
	fd = STEAL_FD(caller->fd);
	caller_free(caller);
	listener->on_connected(listener->context, fd, pid);
}

static void on_caller(evutil_socket_t fd, short what, void *context)
{
	struct caller *caller = context;

	(void)fd;
	(void)what;
	if (caller->is_greeted)
		hand_over(caller);
	else
		greet(caller);
}

/* Takes over the descriptor. */
static void add_caller(struct gvisor_listener *listener, int fd)
{
	struct caller *caller = calloc(1, sizeof(*caller));
	int yes = 1;

	if (!caller) {
		(void)close(fd);
		return;
	}
	caller->listener = listener;
	caller->fd = fd;
	DL_APPEND(listener->callers, caller);
	listener->caller_count++;
	caller->readable = event_new(listener->base, fd, EV_READ | EV_PERSIST, on_caller, caller);
	if (!caller->readable || event_add(caller->readable, NULL) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0) {
		refuse(caller);
		return;
	}
	/* Its packet is there already, as a rule, and it waits. */
	greet(caller);
}

static void on_readable(evutil_socket_t listening, short what, void *context)
{
	struct gvisor_listener *listener = context;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd < 0)
		return; /* it left, or we are short of descriptors: the next turn tells */
	if (listener->caller_count >= LISTENER_CALLERS) {
		listener->refused++;
		(void)close(fd);
		return;
	}
	add_caller(listener, fd);
}

/* A socket that somebody listens on stays his. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED && unlink(address->sun_path) < 0)
		return -errno;
	return 0;
}

static int listen_at(struct gvisor_listener *listener, const char *path)
{
	struct sockaddr_un *address = &listener->address;
	size_t len = strlen(path);
	int err;

	address->sun_family = AF_UNIX;
	if (len >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, len);
	err = remove_stale(address);
	if (err)
		return err;
	listener->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	/* Before bind, so that nobody else can connect in between. */
	if (fchmod(listener->fd, 0600) < 0 ||
	    bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		address->sun_path[0] = '\0'; /* not ours to remove */
		return -errno;
	}
	return listen(listener->fd, LISTENER_BACKLOG) < 0 ? -errno : 0;
}

int gvisor_listener_new(struct event_base *base, const char *path, gvisor_connected_fn on_connected,
			void *context, struct gvisor_listener **ret_listener, struct error *error)
{
	struct gvisor_listener *listener = calloc(1, sizeof(*listener));
	int err;

	if (!listener)
		return error_set(error, -ENOMEM, "out of memory");
	listener->base = base;
	listener->fd = -1;
	listener->on_connected = on_connected;
	listener->context = context;
	err = listen_at(listener, path);
	if (!err) {
		listener->readable = event_new(base, listener->fd, EV_READ | EV_PERSIST,
					       on_readable, listener);
		if (!listener->readable || event_add(listener->readable, NULL) < 0)
			err = -ENOMEM;
	}
	if (err) {
		gvisor_listener_free(listener);
		return error_set(error, err, "cannot listen for sandboxes at %s: %s", path,
				 strerror(-err));
	}
	*ret_listener = listener;
	return 0;
}

void gvisor_listener_free(struct gvisor_listener *listener)
{
	struct caller *caller, *next;

	if (!listener)
		return;
	DL_FOREACH_SAFE(listener->callers, caller, next)
		caller_free(caller);
	if (listener->readable)
		event_free(listener->readable);
	if (listener->fd >= 0) {
		(void)close(listener->fd);
		if (listener->address.sun_path[0])
			(void)unlink(listener->address.sun_path); /* gone already, at worst */
	}
	free(listener);
}

uint64_t gvisor_listener_refused(const struct gvisor_listener *listener)
{
	return listener->refused;
}
