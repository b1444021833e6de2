// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "http/client.h"
#include "http/unix_socket.h"
#include "tree.h"

#define GOOD "HTTP/1.1 200 OK\r\nX: y\r\n"

static struct error error;
static char path[64];
static pid_t agent;

/* The other end: takes one connection, reads a request, and does its part. */
static void start_agent(void (*answer)(int fd, const char *request))
{
	struct unix_socket made;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/s", tree);
	assert_int_equal(unix_socket_listen(path, &made, &fd, &error), 0);
	agent = fork();
	if (agent == 0) {
		struct pollfd polled = {.fd = fd, .events = POLLIN};
		char request[4096] = "";
		int client;

		(void)alarm(30);
		(void)poll(&polled, 1, -1);
		client = accept(fd, NULL, NULL);
		(void)recv(client, request, sizeof(request) - 1, 0);
		answer(client, request);
		_exit(0);
	}
	close(fd);
}

static void end_agent(void)
{
	int status;

	assert_int_equal(waitpid(agent, &status, 0), agent);
	assert_int_equal(status, 0);
}

static void write_all(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static int ask_with(struct client_options options, struct client **ret_client)
{
	options.path = path;
	return client_open(&options, "GET", "/v1/x%20y?z=1", ret_client, &error);
}

static int ask(struct client **ret_client)
{
	return ask_with((struct client_options){.interrupt_fd = -1}, ret_client);
}

static void check_error(int err, int expected, const char *part)
{
	assert_int_equal(err, expected);
	if (!strstr(error.text, part) || !strstr(error.text, path))
		fail_msg("no '%s' in '%s'", part, error.text);
}

static void answer_in_pieces(int fd, const char *request)
{
	static const char reply[] = "HTTP/1.1 409 Conflict\r\ncontent-length: 5\r\n\r\nhe\nlo";

	if (strcmp(request, "GET /v1/x%20y?z=1 HTTP/1.0\r\nHost: lastout\r\n\r\n") != 0)
		_exit(1);
	for (size_t i = 0; i < sizeof(reply) - 1; i++)
		(void)send(fd, &reply[i], 1, 0);
	(void)pause(); /* the length said it: nobody waits for the end */
}

static void test_reply(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;

	(void)state;
	start_agent(answer_in_pieces);
	assert_int_equal(ask(&client), 0);
	assert_int_equal(client_status(client), 409);
	assert_int_equal(client_read_body(client, &body, &error), 0);
	assert_string_equal(body.data, "he\nlo");
	client_close(client);
	client_close(NULL);
	assert_int_equal(kill(agent, SIGKILL), 0);
	assert_int_equal(waitpid(agent, NULL, 0), agent);
}

static void answer_to_the_end(int fd, const char *request)
{
	(void)request;
	write_all(fd, GOOD "\r\nall of it");
}

static void test_body_without_a_length(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;

	(void)state;
	start_agent(answer_to_the_end);
	assert_int_equal(ask(&client), 0);
	assert_int_equal(client_status(client), 200);
	assert_int_equal(client_read_body(client, &body, &error), 0);
	assert_string_equal(body.data, "all of it");
	client_close(client);
	end_agent();
}

static void answer_less(int fd, const char *request)
{
	(void)request;
	write_all(fd, GOOD "Content-Length: 10\r\n\r\nshort");
}

static void test_cut_short(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;

	(void)state;
	start_agent(answer_less);
	assert_int_equal(ask(&client), 0);
	check_error(client_read_body(client, &body, &error), -EPROTO, "broke off");
	client_close(client);
	end_agent();
}

static void answer_lines(int fd, const char *request)
{
	(void)request;
	write_all(fd, GOOD "\r\none\n");
	write_all(fd, "tw");
	write_all(fd, "o\n\nfour\nfi");
}

static void test_lines(void **state)
{
	static const char *const expected[] = {"one", "two", "", "four"};
	struct client *client;
	const char *line;

	(void)state;
	start_agent(answer_lines);
	assert_int_equal(ask(&client), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(client_read_line(client, &line, &error), 1);
		assert_string_equal(line, expected[i]);
	}
	check_error(client_read_line(client, &line, &error), -EPROTO, "broke off");
	client_close(client);
	end_agent();
}

static void answer_two_lines(int fd, const char *request)
{
	(void)request;
	write_all(fd, GOOD "\r\none\ntwo\n");
}

/* What is left after some lines is the body. */
static void test_end_of_lines(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;
	const char *line;

	(void)state;
	for (int is_body = 0; is_body < 2; is_body++) {
		start_agent(answer_two_lines);
		assert_int_equal(ask(&client), 0);
		assert_int_equal(client_read_line(client, &line, &error), 1);
		assert_string_equal(line, "one");
		if (is_body) {
			assert_int_equal(client_read_body(client, &body, &error), 0);
			assert_string_equal(body.data, "two\n");
		} else {
			assert_int_equal(client_read_line(client, &line, &error), 1);
			assert_int_equal(client_read_line(client, &line, &error), 0);
		}
		client_close(client);
		end_agent();
		assert_int_equal(unlink(path), 0);
	}
}

static void answer_nothing(int fd, const char *request)
{
	(void)request;
	close(fd);
}

static void answer_rubbish(int fd, const char *request)
{
	(void)request;
	write_all(fd, "220 mail.example ESMTP\r\n\r\n");
}

static void answer_zeroes(int fd, const char *request)
{
	static const char zeroes[20000];

	(void)request;
	(void)send(fd, zeroes, sizeof(zeroes), MSG_NOSIGNAL);
	(void)pause();
}

static void test_no_agent_of_lastout(void **state)
{
	static void (*const answers[])(int, const char *) = {answer_nothing, answer_rubbish,
							     answer_zeroes};
	struct client *client = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		start_agent(answers[i]);
		check_error(ask(&client), i ? -EBADMSG : -EPROTO,
			    i ? "no agent of lastout" : "broke off");
		assert_null(client);
		(void)kill(agent, SIGKILL);
		assert_int_equal(waitpid(agent, NULL, 0), agent);
		assert_int_equal(unlink(path), 0);
	}
}

static void answer_endlessly(int fd, const char *request)
{
	static char part[65536];

	(void)request;
	memset(part, 'x', sizeof(part));
	write_all(fd, GOOD "\r\n");
	while (send(fd, part, sizeof(part), MSG_NOSIGNAL) > 0)
		;
}

static void test_more_than_there_may_be(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;
	const char *line;

	(void)state;
	start_agent(answer_endlessly);
	assert_int_equal(ask(&client), 0);
	check_error(client_read_line(client, &line, &error), -EMSGSIZE, "too long");
	check_error(client_read_body(client, &body, &error), -EMSGSIZE, "too long");
	assert_true(body.len >= CLIENT_BODY_BYTES_MAX - 70000 && body.len <= CLIENT_BODY_BYTES_MAX);
	client_close(client);
	end_agent();
}

static void answer_unasked(int fd, const char *request)
{
	(void)request;
	write_all(fd, "HTTP/1.1 503 No\r\n\r\nno");
}

/* The socket turns somebody away before it has read anything: a reset comes behind the reply. */
static void test_turned_away(void **state)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct unix_socket made;
	struct client *client;
	struct pollfd polled = {.events = POLLIN};
	int status;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/s", tree);
	assert_int_equal(unix_socket_listen(path, &made, &polled.fd, &error), 0);
	agent = fork();
	if (agent == 0) {
		int fd;

		(void)alarm(30);
		(void)poll(&polled, 1, -1);
		fd = accept(polled.fd, NULL, NULL);
		polled.fd = fd;
		(void)poll(&polled, 1, -1);
		answer_unasked(fd, "");
		_exit(0);
	}
	close(polled.fd);
	assert_int_equal(ask(&client), 0);
	assert_int_equal(client_status(client), 503);
	assert_int_equal(client_read_body(client, &body, &error), 0);
	assert_string_equal(body.data, "no");
	client_close(client);
	assert_int_equal(waitpid(agent, &status, 0), agent);
}

static void answer_never(int fd, const char *request)
{
	(void)fd;
	(void)request;
	(void)pause();
}

static void test_silence_and_interruption(void **state)
{
	struct client *client;
	int interrupt[2];

	(void)state;
	start_agent(answer_never);
	check_error(ask_with((struct client_options){.interrupt_fd = -1, .silence_ms = 50},
			     &client),
		    -ETIMEDOUT, "has said nothing for 50 ms");
	assert_int_equal(pipe(interrupt), 0);
	assert_int_equal(write(interrupt[1], "", 1), 1);
	/* It listens no more, but lives. */
	assert_int_equal(ask_with((struct client_options){.interrupt_fd = interrupt[0]}, &client),
			 -EINTR);
	close(interrupt[0]);
	close(interrupt[1]);
	assert_int_equal(kill(agent, SIGKILL), 0);
	assert_int_equal(waitpid(agent, NULL, 0), agent);
}

static void test_no_agent(void **state)
{
	struct unix_socket made;
	struct client *client;
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/s", tree);
	check_error(ask(&client), -ENOENT, "is `lastout run` running? (No such file or directory)");
	assert_int_equal(unix_socket_listen(path, &made, &fd, &error), 0);
	close(fd);
	check_error(ask(&client), -ECONNREFUSED, "is `lastout run` running? (Connection refused)");
	assert_int_equal(unlink(path), 0);
	tree_put("s", "");
	check_error(ask(&client), -ECONNREFUSED, "is `lastout run` running? (Connection refused)");
}

/* Of which this process says nothing else: root needs no permission, so another process asks. */
static void test_needs_root(void **state)
{
	struct unix_socket made;
	int fd, status;
	pid_t other;

	(void)state;
	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/s", tree);
	assert_int_equal(unix_socket_listen(path, &made, &fd, &error), 0);
	other = fork();
	if (other == 0) {
		struct client *client;

		if (setuid(65534) < 0)
			_exit(1);
		_exit(ask(&client) == -EACCES && strstr(error.text, "needs root: use sudo") ? 0 :
											      2);
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	close(fd);
}

static void test_encode(void **state)
{
	_cleanup_(buf_done) struct buf target = {0};

	(void)state;
	client_encode(&target, "aZ09-._~ /?#%&=+\n\xc3\xbc");
	assert_string_equal(target.data, "aZ09-._~%20%2F%3F%23%25%26%3D%2B%0A%C3%BC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_reply),
		in_tree(test_body_without_a_length),
		in_tree(test_cut_short),
		in_tree(test_lines),
		in_tree(test_end_of_lines),
		in_tree(test_no_agent_of_lastout),
		in_tree(test_more_than_there_may_be),
		in_tree(test_turned_away),
		in_tree(test_silence_and_interruption),
		in_tree(test_no_agent),
		in_tree(test_needs_root),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
