// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/limiter.h"

#define MINUTE UINT64_C(60000000000)

static const struct policy_limit three_in_20m = {3, 20 * MINUTE};

static void record(struct limiter *limiter, const char *workload, const struct policy_limit *limit,
		   uint64_t now_ns, bool forgets)
{
	bool forgotten = false;

	assert_int_equal(limiter_record(limiter, workload, limit, now_ns, &forgotten), 0);
	assert_int_equal(forgotten, forgets);
}

static void test_so_many_in_a_window(void **state)
{
	struct limiter *limiter = limiter_new(8);

	(void)state;
	for (uint64_t minute = 100; minute < 103; minute++) {
		assert_true(limiter_allows(limiter, "a/b/c", &three_in_20m, minute * MINUTE));
		record(limiter, "a/b/c", &three_in_20m, minute * MINUTE, false);
	}
	assert_false(limiter_allows(limiter, "a/b/c", &three_in_20m, 102 * MINUTE));
	assert_true(limiter_allows(limiter, "a/b/d", &three_in_20m, 102 * MINUTE));
	limiter_free(limiter);
}

/* The window slides: it is not a count that is reset at some time. */
static void test_the_window_slides(void **state)
{
	struct limiter *limiter = limiter_new(8);

	(void)state;
	record(limiter, "w", &three_in_20m, 100 * MINUTE, false);
	record(limiter, "w", &three_in_20m, 110 * MINUTE, false);
	record(limiter, "w", &three_in_20m, 111 * MINUTE, false);
	assert_false(limiter_allows(limiter, "w", &three_in_20m, 120 * MINUTE - 1));
	assert_true(limiter_allows(limiter, "w", &three_in_20m, 120 * MINUTE));
	record(limiter, "w", &three_in_20m, 120 * MINUTE, false);
	assert_false(limiter_allows(limiter, "w", &three_in_20m, 130 * MINUTE - 1));
	assert_true(limiter_allows(limiter, "w", &three_in_20m, 130 * MINUTE));
	assert_true(limiter_allows(limiter, "w", &three_in_20m, 1000 * MINUTE));
	limiter_free(limiter);
}

static void test_no_limit(void **state)
{
	static const struct policy_limit none = {0}, one = {1, MINUTE};
	struct limiter *limiter = limiter_new(8);

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(limiter_allows(limiter, "w", &none, MINUTE));
		record(limiter, "w", &none, MINUTE, false);
	}
	assert_true(limiter_allows(limiter, "w", &one, MINUTE));
	limiter_free(limiter);
}

/* What a person asks for may exceed the limit; the last ones count then. A reload may change it. */
static void test_beyond_the_limit_and_another_limit(void **state)
{
	static const struct policy_limit five = {5, 20 * MINUTE}, short_one = {3, MINUTE};
	struct limiter *limiter = limiter_new(8);

	(void)state;
	for (uint64_t minute = 100; minute < 104; minute++)
		record(limiter, "w", &three_in_20m, minute * MINUTE, false);
	assert_false(limiter_allows(limiter, "w", &three_in_20m, 121 * MINUTE - 1));
	assert_true(limiter_allows(limiter, "w", &three_in_20m, 121 * MINUTE));
	assert_true(limiter_allows(limiter, "w", &five, 104 * MINUTE));
	assert_true(limiter_allows(limiter, "w", &short_one, 104 * MINUTE));
	limiter_free(limiter);
}

static void test_a_full_table_forgets_the_oldest(void **state)
{
	static const struct policy_limit one = {1, 20 * MINUTE};
	struct limiter *limiter = limiter_new(2);

	(void)state;
	record(limiter, "a", &one, 100 * MINUTE, false);
	record(limiter, "b", &one, 101 * MINUTE, false);
	record(limiter, "a", &one, 102 * MINUTE, false); /* b is the oldest now */
	record(limiter, "c", &one, 103 * MINUTE, true);
	assert_true(limiter_allows(limiter, "b", &one, 103 * MINUTE));
	assert_false(limiter_allows(limiter, "a", &one, 103 * MINUTE));
	assert_false(limiter_allows(limiter, "c", &one, 103 * MINUTE));
	/* Nothing is lost with a window that is over. */
	record(limiter, "d", &one, 200 * MINUTE, false);
	limiter_free(limiter);
}

static void test_many_workloads(void **state)
{
	struct limiter *limiter = limiter_new(100);
	bool forgotten;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "w%d", i);
		assert_int_equal(limiter_record(limiter, name, &three_in_20m, MINUTE, &forgotten),
				 0);
		assert_int_equal(forgotten, i >= 100);
	}
	limiter_free(limiter);
	limiter_free(NULL);
}

static void check_workload(const struct identity *identity, const char *wanted)
{
	struct buf out = {0};

	limiter_put_workload(&out, identity);
	assert_string_equal(out.data, wanted);
	buf_done(&out);
}

static void test_workload(void **state)
{
	struct identity identity = {.runtime = RUNTIME_CONTAINERD, .id = "0123", .pod_uid = "57e6"};

	(void)state;
	check_workload(&identity, "containerd/0123");
	identity.name = "";
	check_workload(&identity, "containerd/0123");
	identity.name = "main";
	check_workload(&identity, "containerd/main");
	identity.namespace = "batch";
	identity.pod = "job-7";
	check_workload(&identity, "batch/job-7/main");
	identity.name = NULL;
	check_workload(&identity, "batch/job-7/0123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_so_many_in_a_window),
		cmocka_unit_test(test_the_window_slides),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_beyond_the_limit_and_another_limit),
		cmocka_unit_test(test_a_full_table_forgets_the_oldest),
		cmocka_unit_test(test_many_workloads),
		cmocka_unit_test(test_workload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
