// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "http/client.h"

/* Reading all of a large host's cgroups takes the agent less than a second. */
enum { ASK_SILENCE_MS = 30000 };

int ask_take_socket(void *target, const char *value, struct error *error)
{
	if (!*value)
		return error_set(error, -EINVAL, "that is no path");
	((struct ask *)target)->socket = value;
	return 0;
}

int ask_take_output(void *target, const char *value, struct error *error)
{
	struct ask *ask = target;

	if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
		return error_set(error, -EINVAL, "either text or json");
	ask->is_json = strcmp(value, "json") == 0;
	return 0;
}

int ask_take_container(void *target, const char *value, struct error *error)
{
	if (!*value)
		return error_set(error, -EINVAL, "give an id, the beginning of one, or a name");
	((struct ask *)target)->container = value;
	return 0;
}

int ask_begin(struct ask *ask, struct error *error)
{
	ask->signal = 0;
	ask->signal_fd = -1;
	if (!ask->socket)
		ask->socket = AGENT_SOCKET;
	/* Whoever reads the output and goes away shows in the failing write. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&ask->signals);
	(void)sigaddset(&ask->signals, SIGINT);
	return ask_catch(ask, SIGTERM, error);
}

int ask_catch(struct ask *ask, int signal, struct error *error)
{
	(void)sigaddset(&ask->signals, signal);
	(void)sigprocmask(SIG_BLOCK, &ask->signals, NULL);
	ask->signal_fd = signalfd(ask->signal_fd, &ask->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ask->signal_fd < 0)
		return error_set(error, -errno, "cannot wait for signals: %s", strerror(errno));
	return 0;
}

void ask_end(struct ask *ask)
{
	if (ask->signal_fd >= 0)
		(void)close(ask->signal_fd);
	ask->signal_fd = -1;
}

static void read_signal(struct ask *ask)
{
	struct signalfd_siginfo info;

	if (read(ask->signal_fd, &info, sizeof(info)) == sizeof(info))
		ask->signal = (int)info.ssi_signo;
}

void ask_put_target(struct buf *target, const struct ask *ask, const char *rest)
{
	buf_puts(target, "/v1/containers/");
	client_encode(target, ask->container);
	buf_puts(target, rest);
}

/* The agent's own reason, or what can be said without one. */
static int refused(const struct ask *ask, int status, const json_t *reply, struct error *error)
{
	const char *text = json_string_value(json_object_get(reply, "error"));

	if (text)
		return error_set(error, -EREMOTEIO, "%s", text);
	return error_set(error, -EREMOTEIO, "the agent at %s refuses, with status %d", ask->socket,
			 status);
}

static int read_reply(const struct ask *ask, struct client *client, json_t **ret_reply,
		      struct error *error)
{
	_cleanup_(buf_done) struct buf body = {0};
	int status = client_status(client);
	int err = client_read_body(client, &body, error);
	json_t *reply;

	if (err)
		return err;
	reply = json_loadb(body.data ? body.data : "", body.len, 0, NULL);
	if (status == 200 && reply) {
		*ret_reply = reply;
		return 0;
	}
	err = status != 200 ? refused(ask, status, reply, error) :
			      error_set(error, -EBADMSG,
					"what listens at %s is no agent of lastout, or another "
					"version of it",
					ask->socket);
	json_decref(reply);
	return err;
}

int ask_json(struct ask *ask, const char *method, const char *target, enum ask_patience patience,
	     json_t **ret_reply, struct error *error)
{
	struct client_options options = {
		.path = ask->socket,
		.interrupt_fd = ask->signal_fd,
		.silence_ms = patience == ASK_BRIEF ? ASK_SILENCE_MS : 0,
	};
	struct client *client;
	int err = client_open(&options, method, target, &client, error);

	if (!err) {
		err = read_reply(ask, client, ret_reply, error);
		client_close(client);
	}
	if (err == -EINTR)
		read_signal(ask);
	return err;
}

bool ask_pause(struct ask *ask, unsigned ms)
{
	struct pollfd polled = {.fd = ask->signal_fd, .events = POLLIN};

	if (poll(&polled, 1, (int)ms) > 0)
		read_signal(ask);
	return ask->signal;
}

int ask_print(const struct buf *text, struct error *error)
{
	if (text->failed)
		return error_set(error, -ENOMEM, "out of memory");
	if (!text->len)
		return 0;
	if (fwrite(text->data, 1, text->len, stdout) < text->len || fflush(stdout) != 0)
		return error_set(error, -errno, "cannot write to stdout: %s", strerror(errno));
	return 0;
}

int ask_failed(const struct command *command, const struct ask *ask, int err,
	       const struct error *error)
{
	if (ask->signal)
		return 128 + ask->signal;
	if (err == -EPIPE)
		return EXIT_DONE;
	complain(command->name, error->text);
	return EXIT_FAILED;
}

bool ask_has_colour(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}
