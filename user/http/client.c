// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "http/unix_socket.h"

enum { CLIENT_HEAD_BYTES_MAX = 8192, CLIENT_PART_BYTES = 65536 };

struct client {
	struct client_options options;
	int fd;
	int status;
	bool has_length;
	size_t length;	   /* of the body, if the agent has said it */
	struct buf unread; /* came, and was not asked for yet */
	size_t taken;	   /* of `unread` */
};

static int explain(const struct client *client, int err, struct error *error)
{
	const char *path = client->options.path;

	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		return error_set(error, err,
				 "no agent answers at %s: is `lastout run` running? (%s)", path,
				 strerror(-err));
	case -EACCES:
	case -EPERM:
		return error_set(error, err, "%s needs root: use sudo (%s)", path, strerror(-err));
	case -EAGAIN:
		return error_set(error, err, "the agent at %s is too busy: try again", path);
	case -ETIMEDOUT:
		return error_set(error, err, "the agent at %s has said nothing for %u ms", path,
				 client->options.silence_ms);
	case -EPROTO:
		return error_set(error, err, "the agent at %s broke off: has it ended?", path);
	case -EINTR:
		return error_set(error, err, "interrupted");
	default:
		return error_set(error, err, "%s: %s", path, strerror(-err));
	}
}

/* Not blocking, so that an agent that accepts nobody any more does not stop Ctrl-C. */
static int dial(struct client *client, struct error *error)
{
	struct sockaddr_un address;
	int err = unix_socket_address(client->options.path, &address, error);

	if (err)
		return err;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return explain(client, -errno, error);
	return 0;
}

static int send_request(struct client *client, const char *method, const char *target,
			struct error *error)
{
	_cleanup_(buf_done) struct buf request = {0};
	ssize_t n;

	buf_printf(&request, "%s %s HTTP/1.0\r\nHost: lastout\r\n\r\n", method, target);
	if (request.failed)
		return explain(client, -ENOMEM, error);
	n = send(client->fd, request.data, request.len, MSG_NOSIGNAL);
	/* One who is turned away finds the reason in a reply to nothing. */
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return explain(client, -errno, error);
	/* A socket that nothing was written to takes more than the longest of requests. */
	return n >= 0 && (size_t)n < request.len ? explain(client, -EMSGSIZE, error) : 0;
}

static int await(struct client *client)
{
	struct pollfd polled[] = {
		{.fd = client->fd, .events = POLLIN},
		{.fd = client->options.interrupt_fd, .events = POLLIN},
	};
	int timeout_ms = client->options.silence_ms ? (int)client->options.silence_ms : -1;
	int n;

	do {
		n = poll(polled, 2, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	return polled[1].revents ? -EINTR : 0;
}

/* Adds to `unread`. 1, or 0 at the end. */
static int receive(struct client *client, struct error *error)
{
	char part[CLIENT_PART_BYTES];
	int err = await(client);
	ssize_t n = err ? 0 : recv(client->fd, part, sizeof(part), 0);

	/* What the agent did not read when it hung up makes a reset of the end. */
	if (!err && n < 0)
		err = errno == ECONNRESET ? 0 : -errno;
	if (err)
		return explain(client, err, error);
	if (n <= 0)
		return 0;
	buf_append(&client->unread, part, (size_t)n);
	return client->unread.failed ? explain(client, -ENOMEM, error) : 1;
}

static bool parse_status(struct client *client, const char *line)
{
	char *rest;
	long status;

	if (strncmp(line, "HTTP/1.", 7) != 0 || !line[7] || line[8] != ' ')
		return false;
	status = strtol(line + 9, &rest, 10);
	if (status < 100 || status > 599 || (*rest != ' ' && *rest != '\r'))
		return false;
	client->status = (int)status;
	return true;
}

static void parse_length(struct client *client, const char *head)
{
	static const char name[] = "\r\nContent-Length:";
	const char *value = strcasestr(head, name);

	client->has_length = value;
	if (value)
		client->length = strtoul(value + sizeof(name) - 1, NULL, 10);
}

static int read_head(struct client *client, struct error *error)
{
	const char *end = NULL;
	int n;

	while (!end) {
		n = receive(client, error);
		if (n < 0)
			return n;
		if (n == 0)
			return explain(client, -EPROTO, error);
		end = strstr(client->unread.data, "\r\n\r\n");
		if (!end && client->unread.len > CLIENT_HEAD_BYTES_MAX)
			break;
	}
	if (!end || !parse_status(client, client->unread.data))
		return error_set(error, -EBADMSG, "what listens at %s is no agent of lastout",
				 client->options.path);
	client->taken = (size_t)(end + 4 - client->unread.data);
	client->unread.data[client->taken - 2] = '\0';
	parse_length(client, client->unread.data);
	return 0;
}

int client_open(const struct client_options *options, const char *method, const char *target,
		struct client **ret_client, struct error *error)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return error_set(error, -ENOMEM, "out of memory");
	client->options = *options;
	client->fd = -1;
	err = dial(client, error);
	if (!err)
		err = send_request(client, method, target, error);
	if (!err)
		err = read_head(client, error);
	if (err) {
		client_close(client);
		return err;
	}
	*ret_client = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		(void)close(client->fd);
	buf_done(&client->unread);
	free(client);
}

int client_status(const struct client *client)
{
	return client->status;
}

/* Moves what is unread to the beginning of the buffer. */
static void forget_taken(struct client *client)
{
	struct buf *unread = &client->unread;

	unread->len -= client->taken;
	memmove(unread->data, unread->data + client->taken, unread->len + 1);
	client->taken = 0;
}

int client_read_body(struct client *client, struct buf *body, struct error *error)
{
	struct buf *unread = &client->unread;
	size_t len = 0;
	int n;

	do {
		len += unread->len - client->taken;
		if (len > CLIENT_BODY_BYTES_MAX)
			return explain(client, -EMSGSIZE, error);
		buf_append(body, unread->data + client->taken, unread->len - client->taken);
		buf_reset(unread);
		client->taken = 0;
		n = client->has_length && len >= client->length ? 0 : receive(client, error);
	} while (n > 0);
	if (n == 0 && client->has_length && len < client->length)
		return explain(client, -EPROTO, error);
	return n == 0 && body->failed ? explain(client, -ENOMEM, error) : n;
}

int client_read_line(struct client *client, const char **ret_line, struct error *error)
{
	struct buf *unread = &client->unread;
	char *end;
	int n;

	forget_taken(client);
	while (!(end = memchr(unread->data, '\n', unread->len))) {
		if (unread->len > CLIENT_LINE_BYTES_MAX)
			return explain(client, -EMSGSIZE, error);
		n = receive(client, error);
		if (n == 0 && unread->len)
			return explain(client, -EPROTO, error);
		if (n <= 0)
			return n;
	}
	*end = '\0';
	client->taken = (size_t)(end + 1 - unread->data);
	*ret_line = unread->data;
	return 1;
}

void client_encode(struct buf *target, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~";

	for (const char *c = text; *c; c++) {
		if (strchr(plain, *c))
			buf_putc(target, *c);
		else
			buf_printf(target, "%%%02X", (unsigned)(unsigned char)*c);
	}
}
