// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/usage.h"

static void test_own(void **state)
{
	struct usage before, after;
	_cleanup_close_ int fd = -1;

	(void)state;
	usage_read("/proc", &before);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	usage_read("/proc", &after);
	assert_int_equal(after.open_fds, before.open_fds + 1);
	assert_true(after.open_fds >= 3 && after.open_fds <= after.max_fds);
	assert_true(after.resident_bytes > 100 * 1024);
	assert_true(after.virtual_bytes >= after.resident_bytes);
	assert_true(after.cpu_ns > 0 && after.cpu_ns >= before.cpu_ns);
	assert_int_equal(after.start_ns, before.start_ns);
	assert_true(clock_boot_ns() - after.start_ns <= 60 * NS_PER_SEC);
}

static void test_without_proc(void **state)
{
	struct usage usage;

	(void)state;
	usage_read("/nonexistent", &usage);
	assert_int_equal(usage.resident_bytes, 0);
	assert_int_equal(usage.open_fds, 0);
	assert_int_equal(usage.start_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_without_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
