// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/identity.h"

static void test_nothing_known(void **state)
{
	struct identity identity = {0};

	(void)state;
	assert_null(identity_pairs_find(&identity.labels, "a"));
	identity_done(&identity);
	identity_done(&identity);
}

static void test_pairs(void **state)
{
	struct identity identity = {.runtime = RUNTIME_RUNC};
	char key[] = "key";

	(void)state;
	assert_int_equal(identity_pairs_add(&identity.env, key, "first"), 0);
	assert_int_equal(identity_pairs_add(&identity.env, "", ""), 0);
	key[0] = 'K'; /* a copy is kept */
	assert_string_equal(identity_pairs_find(&identity.env, "key"), "first");
	assert_null(identity_pairs_find(&identity.env, "Key"));
	assert_string_equal(identity_pairs_find(&identity.env, ""), "");
	assert_int_equal(identity_pairs_add(&identity.env, "key", "second"), 0);
	assert_string_equal(identity_pairs_find(&identity.env, "key"), "second");
	assert_int_equal(identity.env.count, 2);
	identity_done(&identity);
	assert_int_equal(identity.env.count, 0);
	assert_int_equal(identity.runtime, RUNTIME_UNKNOWN);
}

static void test_all_strings_are_freed(void **state)
{
	struct identity identity = {
		.name = strdup("web"),
		.image = strdup("busybox"),
		.pod = strdup("web-0"),
		.namespace = strdup("default"),
		.termination_log = strdup("/log"),
	};

	(void)state;
	assert_int_equal(identity_pairs_add(&identity.labels, "a", "b"), 0);
	assert_int_equal(identity_pairs_add(&identity.annotations, "a", "b"), 0);
	identity_done(&identity); /* the leak sanitizer looks */
	assert_null(identity.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_all_strings_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
