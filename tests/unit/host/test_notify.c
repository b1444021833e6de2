// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/notify.h"

/* A manager's socket, at a path or, with '@', in the abstract namespace. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void assert_heard(const char *name)
{
	_cleanup_close_ int fd = listen_at(name);
	char text[64] = "";

	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_true(notify_is_wanted());
	assert_int_equal(notify_send("READY=1"), 0);
	assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
}

static void test_path(void **state)
{
	char folder[] = "/tmp/lastout-notify-XXXXXX", name[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "%s/s", folder);
	assert_heard(name);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(notify_send("READY=1"), -ENOENT);
	assert_int_equal(rmdir(folder), 0);
}

static void test_abstract(void **state)
{
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "@lastout-notify-%d", getpid());
	assert_heard(name);
	assert_int_equal(notify_send("READY=1"), -ECONNREFUSED);
}

static void test_nobody(void **state)
{
	static const char *const names[] = {"", "relative", "@", "/", "vsock:2:1234"};
	char long_name[200];

	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_false(notify_is_wanted());
	assert_int_equal(notify_send("READY=1"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
		assert_false(notify_is_wanted());
		assert_int_equal(notify_send("READY=1"), 0);
	}
	memset(long_name, '/', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(setenv("NOTIFY_SOCKET", long_name, 1), 0);
	assert_int_equal(notify_send("READY=1"), -ENAMETOOLONG);
}

static uint64_t watchdog(const char *us, const char *pid)
{
	assert_int_equal(us ? setenv("WATCHDOG_USEC", us, 1) : unsetenv("WATCHDOG_USEC"), 0);
	assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
	return notify_watchdog_us();
}

static void test_watchdog(void **state)
{
	char own[32];

	(void)state;
	(void)snprintf(own, sizeof(own), "%d", getpid());
	assert_int_equal(watchdog(NULL, NULL), 0);
	assert_int_equal(watchdog("30000000", NULL), 30000000);
	assert_int_equal(watchdog("30000000", own), 30000000);
	assert_int_equal(watchdog("30000000", "1"), 0);
	assert_int_equal(watchdog("30000000", ""), 0);
	assert_int_equal(watchdog("", own), 0);
	assert_int_equal(watchdog("-1", own), 0);
	assert_int_equal(watchdog("30s", own), 0);
	assert_int_equal(watchdog("99999999999999999999999", own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
