// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "http/tcp_socket.h"

/* A port that nobody had a moment ago. */
static unsigned free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

/* 0, or a negative errno: what connecting to that address gives. */
static int reach(const char *host, unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static void test_listens_there_only(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned port = free_port();
	struct error error;
	char endpoint[64];

	(void)state;
	(void)snprintf(endpoint, sizeof(endpoint), "127.0.0.2:%u", port);
	assert_int_equal(tcp_socket_listen(endpoint, &fd, &error), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(reach("127.0.0.2", port), 0);
	assert_int_equal(reach("127.0.0.1", port), -ECONNREFUSED);
}

static void test_taken_port(void **state)
{
	_cleanup_close_ int fd = -1;
	struct error error;
	char endpoint[64];
	int other = -1;

	(void)state;
	(void)snprintf(endpoint, sizeof(endpoint), "127.0.0.2:%u", free_port());
	assert_int_equal(tcp_socket_listen(endpoint, &fd, &error), 0);
	assert_int_equal(tcp_socket_listen(endpoint, &other, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, endpoint));
	assert_int_equal(other, -1);
}

/* `[::]` would take IPv4, too, if it were not told better. A kernel without IPv6 has no test of it. */
static void test_ipv6(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned port = free_port();
	struct error error;
	char endpoint[64];
	int err;

	(void)state;
	(void)snprintf(endpoint, sizeof(endpoint), "[::]:%u", port);
	err = tcp_socket_listen(endpoint, &fd, &error);
	if (err == -EAFNOSUPPORT)
		skip();
	assert_int_equal(err, 0);
	assert_int_equal(reach("127.0.0.1", port), -ECONNREFUSED);
}

static void test_bad_endpoints(void **state)
{
	static const char *const bad[] = {
		"",
		"9871",
		":9871",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:+80",
		"127.0.0.1:80x",
		"localhost:80",
		"::1:9871",
		"[::1]",
		"[]:80",
		"[127.0.0.1]:80",
		"[::1:80",
	};
	struct error error;
	int fd = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tcp_socket_listen(bad[i], &fd, &error), -EINVAL);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listens_there_only),
		cmocka_unit_test(test_taken_port),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_bad_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
