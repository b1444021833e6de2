// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "gvisor/unix_peers.h"

static struct unix_peers now(void)
{
	struct unix_peers peers;

	assert_int_equal(unix_peers_read("/proc", getpid(), &peers), 0);
	return peers;
}

static void test_pair(void **state)
{
	struct unix_peers before = now(), peers;
	int pair[2], other[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	peers = now();
	assert_int_equal(peers.connected, before.connected + 2);
	assert_int_equal(peers.orphaned, before.orphaned);
	(void)close(other[0]);
	(void)close(pair[1]);
	peers = now();
	assert_int_equal(peers.connected, before.connected);
	assert_int_equal(peers.orphaned, before.orphaned + 1);
	(void)close(other[1]);
	(void)close(pair[0]);
	peers = now();
	assert_int_equal(peers.orphaned, before.orphaned);
}

static void test_listener_is_nobodys_end(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct unix_peers before = now(), peers;
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	int caller = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	socklen_t len = sizeof(address);

	(void)state;
	/* the kernel chooses an abstract name */
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(caller, (struct sockaddr *)&address, len), 0);
	peers = now();
	assert_int_equal(peers.connected, before.connected + 1);
	/* the one who would have accepted is gone */
	(void)close(listener);
	peers = now();
	assert_int_equal(peers.connected, before.connected);
	assert_int_equal(peers.orphaned, before.orphaned + 1);
	(void)close(caller);
}

static void test_nobody(void **state)
{
	struct unix_peers peers = {7, 7};

	(void)state;
	assert_int_equal(unix_peers_read("/nowhere", getpid(), &peers), -ENOENT);
	assert_int_equal(peers.connected, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_listener_is_nobodys_end),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
