// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gvisor/suspects.h"

#define MS    UINT64_C(1000000)
#define START (UINT64_C(1000) * 1000 * MS)

static void test_nobody(void **state)
{
	struct suspects none = {0};

	(void)state;
	assert_int_equal(suspects_due_ns(&none), 0);
	assert_int_equal(suspects_next(&none, START), 0);
	assert_false(suspects_next_all(&none, START));
	suspects_remove(&none, 1);
}

static void expect_one_look(struct suspects *suspects, uint64_t at_ns)
{
	assert_int_equal(suspects_due_ns(suspects), at_ns);
	assert_int_equal(suspects_next(suspects, at_ns - 1), 0);
	assert_int_equal(suspects_next(suspects, at_ns), 7);
	assert_int_equal(suspects_next(suspects, at_ns), 0);
}

static void test_three_looks(void **state)
{
	struct suspects suspects = {0};

	(void)state;
	suspects_add(&suspects, 7, START);
	expect_one_look(&suspects, START + 100 * MS);
	suspects_add(&suspects, 7, START + 200 * MS); /* the same */
	expect_one_look(&suspects, START + 1000 * MS);
	expect_one_look(&suspects, START + 5000 * MS);
	assert_int_equal(suspects_due_ns(&suspects), 0);
}

static void test_removed(void **state)
{
	struct suspects suspects = {0};

	(void)state;
	for (pid_t pid = 1; pid <= 3; pid++)
		suspects_add(&suspects, pid, START + (uint64_t)pid * MS);
	suspects_remove(&suspects, 1);
	assert_int_equal(suspects_due_ns(&suspects), START + 102 * MS);
	assert_int_equal(suspects_next(&suspects, START + 102 * MS), 2);
	suspects_remove(&suspects, 2);
	assert_int_equal(suspects_next(&suspects, START + 103 * MS), 3);
	suspects_remove(&suspects, 3);
	assert_int_equal(suspects_due_ns(&suspects), 0);
}

/* The first time at once, whatever time it is. */
static void test_all_not_too_often(void **state)
{
	struct suspects suspects = {0};

	(void)state;
	suspects_add_all(&suspects, 1);
	assert_true(suspects_next_all(&suspects, 1));
	assert_false(suspects_next_all(&suspects, 1));
	suspects_add_all(&suspects, START);
	assert_true(suspects_next_all(&suspects, START));
	suspects_add_all(&suspects, START + MS);
	suspects_add_all(&suspects, START + 4000 * MS);
	assert_int_equal(suspects_due_ns(&suspects), START + 5000 * MS);
	assert_false(suspects_next_all(&suspects, START + 5000 * MS - 1));
	assert_true(suspects_next_all(&suspects, START + 5000 * MS));
	assert_int_equal(suspects_due_ns(&suspects), 0);
}

static void test_too_many(void **state)
{
	struct suspects suspects = {0};

	(void)state;
	for (pid_t pid = 1; pid <= SUSPECTS_MAX; pid++)
		suspects_add(&suspects, pid, START);
	assert_int_equal(suspects.all_due_ns, 0);
	suspects_add(&suspects, SUSPECTS_MAX, START); /* is there */
	assert_int_equal(suspects.all_due_ns, 0);
	suspects_add(&suspects, SUSPECTS_MAX + 1, START);
	suspects_add(&suspects, SUSPECTS_MAX + 2, START + MS);
	for (int looked = 0; looked < SUSPECTS_MAX; looked++) {
		pid_t pid = suspects_next(&suspects, START + 100 * MS);

		assert_true(pid >= 1 && pid <= SUSPECTS_MAX);
		suspects_remove(&suspects, pid);
	}
	assert_int_equal(suspects_due_ns(&suspects), START + 1000 * MS);
	assert_true(suspects_next_all(&suspects, START + 1000 * MS));
	assert_int_equal(suspects_due_ns(&suspects), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),	 cmocka_unit_test(test_three_looks),
		cmocka_unit_test(test_removed),	 cmocka_unit_test(test_all_not_too_often),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
