// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cputime.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What getrusage(2) tells of the same numbers (cputime_adjust in kernel/sched/cputime.c). */
static void test_split(void **state)
{
	static const struct {
		uint64_t user_ticks, system_ticks, runtime, user, system;
	} cases[] = {
		{0, 0, 0, 0, 0},
		/* Too short for a tick: all of it counts as user time. */
		{0, 0, 1234567, 1234567, 0},
		{4000000, 0, 1234567, 1234567, 0},
		{0, 4000000, 1234567, 0, 1234567},
		{4000000, 4000000, 10, 5, 5},
		{3000000, 1000000, 8000000, 6000000, 2000000},
		{1, 2, 100, 34, 66},
		{2, 1, 100, 67, 33},
		{4000000, 8000000, 0, 0, 0},
		/* The product takes 128 bits: a year on a thousand CPUs. */
		{UINT64_C(15000000000000000000), UINT64_C(16500000000000000000),
		 UINT64_C(6300000000000000000), UINT64_C(3000000000000000000),
		 UINT64_C(3300000000000000000)},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_C(1) << 63, UINT64_MAX >> 1},
		{0, UINT64_MAX, UINT64_MAX, 0, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t user = 99, system = 99;

		cputime_split(cases[i].user_ticks, cases[i].system_ticks, cases[i].runtime, &user,
			      &system);
		assert_int_equal(user, cases[i].user);
		assert_int_equal(system, cases[i].system);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
