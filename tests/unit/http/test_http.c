// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "http/client.h"
#include "http/http.h"
#include "http/unix_socket.h"
#include "tree.h"

/*
 * Server and clients in one process and one thread: whoever waits for something lets the server's
 * loop run meanwhile. It bounds a failing test and says nothing about how fast the server is.
 */
enum { PATIENCE_S = 30, EXCHANGES_MAX = 8, BIG_BYTES = 5000000 };

static struct event_base *base;
static struct http_server *server;
static struct unix_socket unix_socket;

/* What is held or streamed, in the order of the requests; NULL: gone. */
static struct http_exchange *open_ones[EXCHANGES_MAX];
static int opened, gone;

static void on_gone(void *context, struct http_exchange *exchange)
{
	struct http_exchange **slot = context;

	assert_ptr_equal(*slot, exchange);
	*slot = NULL;
	gone++;
}

static void echo(struct http_exchange *exchange, const struct http_request *request)
{
	_cleanup_(buf_done) struct buf out = {0};

	buf_printf(&out, "%s", request->method);
	for (size_t i = 0; i < request->segment_count; i++)
		buf_printf(&out, " %s", request->segments[i]);
	for (size_t i = 0; i < request->query_count; i++)
		buf_printf(&out, " %s=%s", request->queries[i].key, request->queries[i].value);
	buf_printf(&out, " %s", request->body);
	http_reply_json(exchange, 200, &out);
}

static void big(struct http_exchange *exchange)
{
	char *body = malloc(BIG_BYTES);

	assert_non_null(body);
	memset(body, 'x', BIG_BYTES);
	http_reply(exchange, 200, "text/plain", body, BIG_BYTES);
	free(body);
}

static void on_request(void *context, struct http_exchange *exchange,
		       const struct http_request *request)
{
	const char *what = request->segment_count ? request->segments[0] : "";

	assert_ptr_equal(context, &server);
	if (strcmp(what, "hold") == 0 || strcmp(what, "stream") == 0) {
		assert_true(opened < EXCHANGES_MAX);
		open_ones[opened] = exchange;
		(what[0] == 'h' ? http_hold : http_stream_begin)(exchange, on_gone,
								 &open_ones[opened]);
		opened++;
	} else if (strcmp(what, "big") == 0) {
		big(exchange);
	} else if (strcmp(what, "no") == 0) {
		http_reply_error(exchange, 409, "no: \"%s\"", "\n");
	} else if (strcmp(what, "silence") != 0) {
		echo(exchange, request);
	}
}

static void serve_with(struct http_options options)
{
	struct error error;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	opened = gone = 0;
	base = event_base_new();
	assert_non_null(base);
	options.base = base;
	options.on_request = on_request;
	options.context = &server;
	if (unix_socket_listen(tree_path("s"), &unix_socket, &fd, &error) != 0 ||
	    http_server_new(&options, fd, &server, &error) != 0)
		fail_msg("%s", error.text);
}

static void serve(void)
{
	serve_with((struct http_options){.has_peer_uid = true, .peer_uid = getuid()});
}

static void end_server(void)
{
	http_server_free(server);
	event_base_free(base);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Lets the server run until the descriptor is ready for `events`, or `*counter` is `wanted`. */
static void run_until(int fd, short events, const int *counter, int wanted)
{
	int64_t end = now_ms() + PATIENCE_S * 1000;
	struct pollfd polled = {.fd = fd, .events = events};

	do {
		assert_true(now_ms() < end);
		assert_int_not_equal(event_base_loop(base, EVLOOP_NONBLOCK), -1);
		(void)poll(&polled, fd < 0 ? 0 : 1, 1);
	} while (fd < 0 ? *counter != wanted : !polled.revents);
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	struct error error;

	assert_int_equal(unix_socket_address(unix_socket.path, &address, &error), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The server never hangs up on who is still talking, whatever it thinks of it. */
static void say_bytes(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n;

		run_until(fd, POLLOUT, NULL, 0);
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
}

static void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* Everything up to the end, or, with `until`, to that text; until the next call. Closes at the end. */
static const char *hear(int fd, const char *until)
{
	static struct buf heard;
	char part[65536];

	buf_reset(&heard);
	buf_puts(&heard, "");
	while (!until || !strstr(heard.data, until)) {
		ssize_t n;

		run_until(fd, POLLIN, NULL, 0);
		n = recv(fd, part, sizeof(part), 0);
		assert_true(n >= 0);
		if (n == 0) {
			assert_null(until);
			close(fd);
			break;
		}
		buf_append(&heard, part, (size_t)n);
	}
	return heard.data;
}

static const char *ask(const char *text)
{
	int fd = dial();

	say(fd, text);
	return hear(fd, NULL);
}

static const char *body_of(const char *reply)
{
	const char *body = strstr(reply, "\r\n\r\n");

	assert_non_null(body);
	return body + 4;
}

static void check_status(const char *reply, int status)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (strncmp(reply, line, strlen(line)) != 0)
		fail_msg("no %d: %.300s", status, reply);
}

/* The one that proves that the others did no harm. */
static void check_served(void)
{
	const char *reply = ask("GET /fine HTTP/1.1\r\n\r\n");

	check_status(reply, 200);
	assert_string_equal(body_of(reply), "GET fine ");
}

static void test_reply(void **state)
{
	const char *reply;

	(void)state;
	serve();
	reply = ask("POST /a%20b/c?d=e HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody");
	assert_string_equal(reply, "HTTP/1.1 200 OK\r\n"
				   "Content-Type: application/json\r\n"
				   "Cache-Control: no-store\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 19\r\n"
				   "\r\n"
				   "POST a b c d=e body");
	reply = ask("GET /no HTTP/1.1\n\n");
	check_status(reply, 409);
	assert_string_equal(body_of(reply), "{\"error\":\"no: \\\"\\n\\\"\"}\n");
	check_status(ask("GET /silence HTTP/1.1\n\n"), 500);
	end_server();
}

/* A byte at a time, and its end before the reply. */
static void test_slow_and_half_closed(void **state)
{
	static const char request[] = "GET /a HTTP/1.1\r\n\r\n";
	int fd;

	(void)state;
	serve();
	fd = dial();
	for (const char *c = request; *c; c++)
		say_bytes(fd, c, 1);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_string_equal(body_of(hear(fd, NULL)), "GET a ");
	fd = dial();
	say(fd, "GET /big HTTP/1.1\n\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(strlen(body_of(hear(fd, NULL))), BIG_BYTES);
	end_server();
}

/* Without a word, in the middle of a head, and of a body. */
static void test_who_hangs_is_dropped(void **state)
{
	static const char *const words[] = {"", "GET / HT",
					    "POST / HTTP/1.1\nContent-Length: 9\n\nabc"};
	int fds[3];

	(void)state;
	serve_with((struct http_options){.request_ms = 200});
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		say(fds[i], words[i]);
	}
	check_served();
	for (int i = 0; i < 3; i++) {
		const char *reply = hear(fds[i], NULL);

		check_status(reply, 408);
		assert_string_equal(body_of(reply),
				    "{\"error\":\"the request was not complete after 200 ms\"}\n");
	}
	check_served();
	end_server();
}

/* One byte now and then does not buy more time. */
static void test_who_dribbles_is_dropped(void **state)
{
	int64_t begin = now_ms();
	int fd;

	(void)state;
	serve_with((struct http_options){.request_ms = 200});
	fd = dial();
	for (;;) {
		struct pollfd polled = {.fd = fd, .events = POLLIN};

		say(fd, "x");
		assert_true(now_ms() < begin + PATIENCE_S * 1000);
		if (poll(&polled, 1, 1) == 1)
			break;
	}
	check_status(hear(fd, NULL), 408);
	end_server();
}

static void test_rubbish(void **state)
{
	static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\n\r\n";
	char *large = malloc(100001);
	int fd;

	(void)state;
	serve();
	check_status(ask("hello\r\n\r\n"), 400);
	fd = dial();
	say_bytes(fd, tls, sizeof(tls) - 1);
	check_status(hear(fd, NULL), 400);
	check_status(ask("POST / HTTP/1.1\nContent-Length: 100000\n\n"), 413);
	assert_non_null(large);
	memset(large, 'x', 100000);
	memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
	large[100000] = '\0';
	/* All of it is taken, though not kept, so that the reply can be read. */
	check_status(ask(large), 431);
	check_served();
	free(large);
	end_server();
}

/* Gone before, within and after the request; in the middle of the reply. */
static void test_who_disappears(void **state)
{
	static const char *const words[] = {"", "GET / H", "GET /a HTTP/1.1\n\n",
					    "GET /big HTTP/1.1\n\n"};

	(void)state;
	serve();
	for (size_t i = 0; i < 4; i++) {
		int fd = dial();

		say(fd, words[i]);
		close(fd);
		check_served();
	}
	for (int i = 0; i < 3; i++) {
		int fd = dial();

		say(fd, "GET /big HTTP/1.1\n\n");
		(void)hear(fd, "xxxx");
		close(fd);
		check_served();
	}
	end_server();
}

static void test_as_many_as_there_may_be(void **state)
{
	int first, second;
	const char *reply;

	(void)state;
	serve_with((struct http_options){.connections_max = 2});
	first = dial();
	second = dial();
	say(first, "GET /hold HTTP/1.1\n\n");
	run_until(-1, 0, &opened, 1);
	reply = hear(dial(), NULL);
	check_status(reply, 503);
	assert_string_equal(body_of(reply), "{\"error\":\"too many connections\"}\n");
	close(second);
	close(first);
	run_until(-1, 0, &gone, 1);
	check_served();
	end_server();
}

static void test_others_are_turned_away(void **state)
{
	const char *reply;

	(void)state;
	serve_with((struct http_options){.has_peer_uid = true, .peer_uid = getuid() + 1});
	reply = hear(dial(), NULL);
	check_status(reply, 403);
	assert_string_equal(body_of(reply), "{\"error\":\"this socket needs root\"}\n");
	end_server();
}

/* Longer than a request may take, with others served meanwhile. */
static void test_held(void **state)
{
	int64_t end = now_ms() + 100;
	const char *reply;
	int fd;

	(void)state;
	serve_with((struct http_options){.request_ms = 50});
	fd = dial();
	say(fd, "GET /hold HTTP/1.1\n\nand more than was asked for");
	run_until(-1, 0, &opened, 1);
	while (now_ms() < end)
		check_served();
	http_reply_error(open_ones[0], 404, "late");
	reply = hear(fd, NULL);
	check_status(reply, 404);
	assert_string_equal(body_of(reply), "{\"error\":\"late\"}\n");
	assert_int_equal(gone, 0);
	end_server();
	assert_int_equal(gone, 0);
}

static void test_who_is_held_and_goes(void **state)
{
	int fds[3];

	(void)state;
	serve();
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		say(fds[i], i == 2 ? "GET /stream HTTP/1.1\n\n" : "GET /hold HTTP/1.1\n\n");
		run_until(-1, 0, &opened, i + 1);
	}
	close(fds[1]);
	run_until(-1, 0, &gone, 1);
	assert_null(open_ones[1]);
	close(fds[2]);
	run_until(-1, 0, &gone, 2);
	assert_null(open_ones[2]);
	/* What has nothing to say any more and listens still is taken for gone as well. */
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	run_until(-1, 0, &gone, 3);
	assert_null(open_ones[0]);
	close(fds[0]);
	check_served();
	end_server();
	assert_int_equal(gone, 3);
}

static void test_stream(void **state)
{
	const char *heard;
	int fd;

	(void)state;
	serve();
	fd = dial();
	say(fd, "GET /stream HTTP/1.1\n\n");
	heard = hear(fd, "\r\n\r\n");
	check_status(heard, 200);
	assert_non_null(strstr(heard, "\r\nContent-Type: application/x-ndjson\r\n"));
	assert_null(strstr(heard, "Content-Length"));
	http_stream_send(open_ones[0], "{\"a\":1}\n", 8);
	assert_string_equal(hear(fd, "}\n"), "{\"a\":1}\n");
	http_stream_send(open_ones[0], "{\"b\":1}\n", 8);
	http_stream_send(open_ones[0], "{\"c\":1}\n", 8);
	http_stream_end(open_ones[0]);
	assert_string_equal(hear(fd, NULL), "{\"b\":1}\n{\"c\":1}\n");
	fd = dial();
	say(fd, "GET /stream HTTP/1.1\n\n");
	(void)hear(fd, "\r\n\r\n");
	http_stream_end(open_ones[1]);
	assert_string_equal(hear(fd, NULL), "");
	assert_int_equal(gone, 0);
	end_server();
}

/* Only the one who reads nothing is dropped, and not within the call that finds it out. */
static void test_slow_reader_of_a_stream(void **state)
{
	static char line[4096];
	size_t sent = 0;
	int slow, fast;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	serve();
	slow = dial();
	say(slow, "GET /stream HTTP/1.1\n\n");
	run_until(-1, 0, &opened, 1);
	fast = dial();
	say(fast, "GET /stream HTTP/1.1\n\n");
	(void)hear(fast, "\r\n\r\n");
	while (!gone) {
		/* Its kernel takes some, too. */
		assert_true(sent <= 4 * HTTP_STREAM_BYTES_MAX);
		for (int i = 0; i < 2; i++) {
			int before = gone;

			http_stream_send(open_ones[i], line, sizeof(line));
			assert_int_equal(gone, before);
		}
		sent += sizeof(line);
		assert_int_equal(strlen(hear(fast, "\n")), sizeof(line));
	}
	assert_true(sent > HTTP_STREAM_BYTES_MAX);
	assert_int_equal(gone, 1);
	assert_null(open_ones[0]);
	(void)hear(slow, NULL);
	http_stream_end(open_ones[1]);
	assert_string_equal(hear(fast, NULL), "");
	end_server();
}

/* Whoever has ended a stream, or replied, is told no more, also if its reader was just dropped. */
static void test_dropped_and_ended_at_once(void **state)
{
	static char line[HTTP_STREAM_BYTES_MAX + 1];
	int fds[2];

	(void)state;
	serve();
	for (int i = 0; i < 2; i++) {
		fds[i] = dial();
		say(fds[i], "GET /stream HTTP/1.1\n\n");
		(void)hear(fds[i], "\r\n\r\n");
	}
	for (int i = 0; i < 2; i++) {
		http_stream_send(open_ones[i], "line\n", 5);
		http_stream_send(open_ones[i], line, sizeof(line));
	}
	http_stream_end(open_ones[0]);
	http_reply_error(open_ones[1], 503, "over");
	for (int i = 0; i < 2; i++)
		(void)hear(fds[i], NULL);
	assert_int_equal(gone, 0);
	end_server();
}

/* Who waits is told, and what was said is delivered. */
static void test_the_end(void **state)
{
	const char *reply;
	char part[4096];
	int fds[4];
	ssize_t n;

	(void)state;
	serve();
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		say(fds[i], i == 1 ? "GET /stream HTTP/1.1\n\n" : "GET /hold HTTP/1.1\n\n");
		run_until(-1, 0, &opened, i + 1);
	}
	fds[3] = dial(); /* not even accepted */
	http_stream_send(open_ones[1], "line\n", 5);
	http_reply_error(open_ones[2], 404, "just in time");
	http_server_free(server);
	assert_int_equal(gone, 2);
	reply = hear(fds[0], NULL);
	check_status(reply, 503);
	assert_string_equal(body_of(reply), "{\"error\":\"the server is ending\"}\n");
	assert_string_equal(body_of(hear(fds[1], NULL)), "line\n");
	assert_string_equal(body_of(hear(fds[2], NULL)), "{\"error\":\"just in time\"}\n");
	n = recv(fds[3], part, sizeof(part), 0);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fds[3]);
	event_base_free(base);
	http_server_free(NULL);
}

/* In a process of its own, because it blocks. 0: all is as it should be. */
static int be_the_client(void)
{
	struct client_options options = {.path = unix_socket.path, .interrupt_fd = -1};
	_cleanup_(buf_done) struct buf body = {0};
	struct client *client;
	struct error error;
	const char *line;

	if (client_open(&options, "GET", "/big", &client, &error) < 0 ||
	    client_status(client) != 200 || client_read_body(client, &body, &error) < 0 ||
	    body.len != BIG_BYTES)
		return 1;
	client_close(client);
	if (client_open(&options, "GET", "/stream", &client, &error) < 0 ||
	    client_read_line(client, &line, &error) != 1 || strcmp(line, "one") != 0 ||
	    client_read_line(client, &line, &error) != 0)
		return 2;
	client_close(client);
	return 0;
}

static void test_with_the_client(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	serve();
	pid = fork();
	if (pid == 0) {
		(void)alarm(PATIENCE_S);
		_exit(be_the_client());
	}
	run_until(-1, 0, &opened, 1);
	http_stream_send(open_ones[0], "one\n", 4);
	http_stream_end(open_ones[0]);
	for (int64_t end = now_ms() + PATIENCE_S * 1000; waitpid(pid, &status, WNOHANG) != pid;) {
		assert_true(now_ms() < end);
		assert_int_not_equal(event_base_loop(base, EVLOOP_NONBLOCK), -1);
	}
	assert_int_equal(status, 0);
	end_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_reply),
		in_tree(test_slow_and_half_closed),
		in_tree(test_who_hangs_is_dropped),
		in_tree(test_who_dribbles_is_dropped),
		in_tree(test_rubbish),
		in_tree(test_who_disappears),
		in_tree(test_as_many_as_there_may_be),
		in_tree(test_others_are_turned_away),
		in_tree(test_held),
		in_tree(test_who_is_held_and_goes),
		in_tree(test_stream),
		in_tree(test_slow_reader_of_a_stream),
		in_tree(test_dropped_and_ended_at_once),
		in_tree(test_the_end),
		in_tree(test_with_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
