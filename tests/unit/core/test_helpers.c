// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/helpers.h"

static void test_names_that_may_be_added(void **state)
{
	static const char *const good[] = {
		"sleep",       "a", "a*", "PM2 v*", "123456789012345", "123456789012345*",
		"s6-supervise"};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (helper_name_check(good[i], &error) < 0)
			fail_msg("'%s': %s", good[i], error.text);
}

static void test_names_that_may_not(void **state)
{
	static const struct {
		const char *name, *reason;
	} bad[] = {
		{"", "PREFIX*"},
		{"*", "PREFIX*"},
		{"*a", "PREFIX*"},
		{"a*b", "PREFIX*"},
		{"a**", "PREFIX*"},
		{"a?", "PREFIX*"},
		{"[ab]", "PREFIX*"},
		{"a[b]", "PREFIX*"},
		{"1234567890123456", "15"},
		{"1234567890123456*", "15"},
	};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(helper_name_check(bad[i].name, &error), -EINVAL);
		if (!strstr(error.text, bad[i].reason))
			fail_msg("'%s': %s", bad[i].name, error.text);
	}
}

/* What is built in keeps the rule. */
static void test_built_in_names(void **state)
{
	const char *names[HELPER_NAMES_MAX];
	struct error error;
	size_t count = 0;

	(void)state;
	helper_names_built_in(names);
	for (; names[count]; count++)
		if (helper_name_check(names[count], &error) < 0)
			fail_msg("'%s': %s", names[count], error.text);
	assert_true(count >= 16 && count <= HELPER_NAMES_MAX - 2);
	/* All of them: with one more there would be room as well. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_that_may_be_added),
		cmocka_unit_test(test_names_that_may_not),
		cmocka_unit_test(test_built_in_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
