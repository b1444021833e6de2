// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/verify.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { INIT = 100, OTHER = 101 };

/* Who lives and is not init: everybody forbids it but helpers, and, by policy, the injected. */
static const struct {
	enum role role;
	bool holds, holds_if_injected_hold;
} living[] = {
	{ROLE_HOST, true, true},  {ROLE_RUNTIME, true, true},  {ROLE_INIT, true, true},
	{ROLE_TASK, true, true},  {ROLE_HELPER, false, false}, {ROLE_INJECTED, false, true},
	{ROLE_COUNT, true, true},
};

static void test_every_role_of_the_living(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(living); i++) {
		struct member member = {.pid = OTHER, .role = living[i].role};

		assert_int_equal(living[i].role, i);
		assert_int_equal(verify_holds(&member, INIT, false), living[i].holds);
		assert_int_equal(verify_holds(&member, INIT, true),
				 living[i].holds_if_injected_hold);
	}
}

/* Its files may still be flushed. */
static void test_a_dying_process_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(living); i++) {
		struct member member = {.pid = OTHER, .role = living[i].role, .is_dying = true};

		assert_true(verify_holds(&member, INIT, false));
		assert_true(verify_holds(&member, INIT, true));
		assert_string_equal(member_kind(&member), "exiting, not dead yet");
	}
}

static void test_a_dead_process_does_not_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(living); i++) {
		struct member member = {.pid = OTHER, .role = living[i].role, .is_dead = true};

		assert_false(verify_holds(&member, INIT, false));
		assert_false(verify_holds(&member, INIT, true));
	}
}

/* It would die with init, whatever the policy says of exec sessions. */
static void test_a_process_in_another_cgroup_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(living); i++) {
		struct member member = {.pid = OTHER, .role = living[i].role, .is_outside = true};

		assert_true(verify_holds(&member, INIT, false));
		assert_true(verify_holds(&member, INIT, true));
	}
}

/* By its number: the kernel side may hold another role for it. */
static void test_init_itself_never_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(living); i++) {
		for (int is_dying = 0; is_dying < 2; is_dying++) {
			struct member member = {
				.pid = INIT, .role = living[i].role, .is_dying = is_dying};

			assert_false(verify_holds(&member, INIT, false));
			assert_false(verify_holds(&member, INIT, true));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_role_of_the_living),
		cmocka_unit_test(test_a_dying_process_holds),
		cmocka_unit_test(test_a_dead_process_does_not_hold),
		cmocka_unit_test(test_a_process_in_another_cgroup_holds),
		cmocka_unit_test(test_init_itself_never_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
