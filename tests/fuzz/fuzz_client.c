// SPDX-License-Identifier: Apache-2.0
/* Replies from the agent's socket, if somebody else should listen there. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;
static sem_t served; /* the server needs the reply no longer */

/* Set before the client connects, read once it has. */
static const uint8_t *reply;
static size_t reply_size;

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void remove_socket(void)
{
	(void)unlink(address.sun_path);
}

static void *serve(void *unused)
{
	char request[1024];

	(void)unused;
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		require(fd >= 0);
		(void)read(fd, request, sizeof(request));
		(void)write(fd, reply, reply_size);
		(void)close(fd);
		(void)sem_post(&served);
	}
	return NULL;
}

static void start_server(void)
{
	pthread_t thread;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz-client-%d", getpid());
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(listener >= 0);
	require(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	(void)atexit(remove_socket);
	require(listen(listener, 1) == 0 && sem_init(&served, 0, 0) == 0);
	require(pthread_create(&thread, NULL, serve, NULL) == 0);
}

static void read_lines(struct client *client)
{
	const char *line;
	struct error error;
	int result;

	while ((result = client_read_line(client, &line, &error)) == 1)
		require(!strchr(line, '\n'));
	require(result == 0 || result == -EPROTO || result == -EMSGSIZE || result == -ECONNRESET);
}

static void read_body(struct client *client)
{
	struct buf body = {0};
	struct error error;

	if (client_read_body(client, &body, &error) == 0)
		require(body.len <= reply_size);
	buf_done(&body);
}

/* Once as lines, once as a whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct client_options options = {address.sun_path, -1, 10000};
	struct client *client;
	struct error error;

	if (listener < 0)
		start_server();
	reply = data;
	reply_size = size;
	for (int is_body = 0; is_body < 2; is_body++) {
		if (client_open(&options, "GET", "/v1/agent", &client, &error) == 0) {
			require(client_status(client) >= 100 && client_status(client) <= 599);
			if (is_body)
				read_body(client);
			else
				read_lines(client);
			client_close(client);
		} else {
			require(error.text[0]);
		}
		require(sem_wait(&served) == 0);
	}
	return 0;
}
