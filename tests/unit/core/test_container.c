// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/container.h"

/* They stand in the JSON output: an interface. */
static void test_role_names(void **state)
{
	static const char *const names[] = {"host", "runtime", "init",
					    "task", "helper",  "injected"};

	(void)state;
	assert_int_equal(sizeof(names) / sizeof(names[0]), ROLE_COUNT);
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		assert_string_equal(role_name(role), names[role]);
}

/* A record is read from a map that an older program may have written. */
static void test_a_role_nobody_knows(void **state)
{
	(void)state;
	assert_string_equal(role_name(ROLE_COUNT), "unknown");
	assert_string_equal(role_name((enum role)4000000000U), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role_names),
		cmocka_unit_test(test_a_role_nobody_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
