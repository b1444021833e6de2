// SPDX-License-Identifier: Apache-2.0
#include "gvisor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gvisor/scan.h"

enum { CONTROL_CHUNK = 16384, CONTROL_LAST_MS = 100 };

struct gvisor_call {
	int socket;
	int fd; /* -1: none, or sent */
	char *request;
	size_t request_len, sent;
	struct buf reply;
	struct gvisor_scan scan;
	size_t reply_size;
	struct event *io;
	struct event *deadline;
	gvisor_call_fn on_reply;
	void *context;
};

/* The trailing NUL is part of the name that older releases take. */
static int abstract_address(const char *id, struct sockaddr_un *address, socklen_t *ret_len)
{
	int len = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "runsc-sandbox.%s",
			   id);

	if (len < 0 || (size_t)len >= sizeof(address->sun_path) - 1)
		return -ENAMETOOLONG;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len + 1);
	return 0;
}

/* A path that is too long for an address is reached through a descriptor. */
static int path_address(const char *path, struct sockaddr_un *address, int *ret_fd)
{
	size_t len = strlen(path);

	if (len < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, len);
		return 0;
	}
	*ret_fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_fd < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d", *ret_fd);
	return 0;
}

static int connect_endpoint(const struct gvisor_endpoint *endpoint, int *ret_socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1, path_fd = -1;
	socklen_t len = sizeof(address);
	int err;

	if (endpoint->path)
		err = path_address(endpoint->path, &address, &path_fd);
	else
		err = abstract_address(endpoint->id, &address, &len);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* At once, or not at all: EAGAIN is a queue that is full. */
	if (connect(fd, (const struct sockaddr *)&address, len) < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	*ret_socket = STEAL_FD(fd);
	return 0;
}

void gvisor_call_free(struct gvisor_call *call)
{
	if (!call)
		return;
	if (call->io)
		event_free(call->io);
	if (call->deadline)
		event_free(call->deadline);
	if (call->socket >= 0)
		(void)close(call->socket);
	buf_done(&call->reply);
	free(call->request);
	free(call);
}

static void answer(struct gvisor_call *call, int err)
{
	gvisor_call_fn on_reply = call->on_reply;
	void *context = call->context;
	struct buf reply = call->reply;
	size_t len = call->scan.used;

	call->reply = (struct buf){0};
	gvisor_call_free(call);
	on_reply(context, err, reply.data, err ? 0 : len);
	buf_done(&reply);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	answer(context, -ETIMEDOUT);
}

/* The descriptor goes with the first byte. */
static ssize_t send_some(struct gvisor_call *call)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {call->request + call->sent, call->request_len - call->sent};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *header;
	ssize_t sent;

	if (call->fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &call->fd, sizeof(int));
	}
	sent = sendmsg(call->socket, &message, MSG_NOSIGNAL);
	if (sent > 0)
		call->fd = -1;
	return sent;
}

/* -EAGAIN: not all yet. */
static int send_request(struct gvisor_call *call)
{
	while (call->sent < call->request_len) {
		ssize_t sent = send_some(call);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		call->sent += (size_t)sent;
	}
	return 0;
}

/* -EAGAIN: not whole yet. */
static int receive_reply(struct gvisor_call *call)
{
	char chunk[CONTROL_CHUNK];

	for (;;) {
		ssize_t got = recv(call->socket, chunk, sizeof(chunk), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		if (call->reply.len + (size_t)got > call->reply_size)
			return -EFBIG;
		buf_append(&call->reply, chunk, (size_t)got);
		if (call->reply.failed)
			return -ENOMEM;
		if (gvisor_scan_object(&call->scan, call->reply.data, call->reply.len))
			return 0;
	}
}

static int wait_for(struct gvisor_call *call, short what);

static void on_io(evutil_socket_t fd, short what, void *context)
{
	struct gvisor_call *call = context;
	int err;

	(void)fd;
	if (what & EV_WRITE) {
		err = send_request(call);
		if (!err)
			err = wait_for(call, EV_READ);
		else if (err == -EAGAIN)
			err = event_add(call->io, NULL) < 0 ? -ENOMEM : 0;
		if (err)
			answer(call, err);
		return;
	}
	err = receive_reply(call);
	if (err == -EAGAIN)
		err = event_add(call->io, NULL) < 0 ? -ENOMEM : -EAGAIN;
	if (err != -EAGAIN)
		answer(call, err);
}

static int wait_for(struct gvisor_call *call, short what)
{
	struct event_base *base = event_get_base(call->deadline);

	if (call->io)
		event_free(call->io);
	call->io = event_new(base, call->socket, what, on_io, call);
	return call->io && event_add(call->io, NULL) == 0 ? 0 : -ENOMEM;
}

static int prepare(struct gvisor_call *call, struct event_base *base,
		   const struct gvisor_call_options *options)
{
	struct timeval patience = {GVISOR_CALL_MS / 1000, GVISOR_CALL_MS % 1000 * 1000L};

	call->fd = options->fd;
	call->reply_size = options->reply_size;
	call->on_reply = options->on_reply;
	call->context = options->context;
	call->request = strdup(options->request);
	call->deadline = evtimer_new(base, on_deadline, call);
	if (!call->request || !call->deadline || evtimer_add(call->deadline, &patience) < 0)
		return -ENOMEM;
	call->request_len = strlen(call->request);
	return connect_endpoint(&options->endpoint, &call->socket);
}

int gvisor_call_start(struct event_base *base, const struct gvisor_call_options *options,
		      struct gvisor_call **ret_call)
{
	struct gvisor_call *call = calloc(1, sizeof(*call));
	int err;

	if (!call)
		return -ENOMEM;
	call->socket = -1;
	err = prepare(call, base, options);
	/* At once: a request is small, and a new connection takes it whole. */
	if (!err)
		err = send_request(call);
	if (!err)
		err = wait_for(call, EV_READ);
	else if (err == -EAGAIN && call->socket >= 0)
		err = wait_for(call, EV_WRITE);
	if (err) {
		gvisor_call_free(call);
		return err;
	}
	*ret_call = call;
	return 0;
}

void gvisor_call_at_end(const struct gvisor_endpoint *endpoint, const char *request)
{
	_cleanup_close_ int fd = -1;
	struct pollfd answer = {.events = POLLIN};

	/* Nobody is left to whom a failure would matter. */
	if (connect_endpoint(endpoint, &fd) < 0 ||
	    send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return;
	answer.fd = fd;
	(void)poll(&answer, 1, CONTROL_LAST_MS);
}
