// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "exit_by_status/thread_choice.h"
#include "tree.h"

enum { PID = 100, EXITING = 4 };

static void put_thread(pid_t tid, char state, unsigned flags)
{
	char name[64], text[128];

	(void)snprintf(name, sizeof(name), "%d/task/%d/stat", PID, tid);
	(void)snprintf(text, sizeof(text),
		       "%d (a) b) %c 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 7 0\n", tid, state,
		       flags);
	tree_put(name, text);
}

static void test_leader_first(void **state)
{
	pid_t threads[THREAD_CHOICE_MAX] = {0};

	(void)state;
	put_thread(102, 'R', 0);
	put_thread(101, 'S', 0);
	put_thread(PID, 'S', 0);
	assert_true(thread_choose(tree, PID, threads) >= 1);
	assert_int_equal(threads[0], PID);
}

static void test_one_that_can_be_interrupted_first(void **state)
{
	pid_t threads[THREAD_CHOICE_MAX] = {0};

	(void)state;
	put_thread(PID, 'D', 0);
	put_thread(101, 'D', 0);
	put_thread(102, 'S', 0);
	assert_int_equal(thread_choose(tree, PID, threads), 3);
	assert_int_equal(threads[0], 102);
	assert_int_equal(threads[1], PID);
	assert_int_equal(threads[2], 101);
}

static void test_none_that_is_dying(void **state)
{
	pid_t threads[THREAD_CHOICE_MAX] = {0};

	(void)state;
	put_thread(PID, 'Z', EXITING);
	put_thread(101, 'R', EXITING);
	put_thread(102, 'S', 0);
	assert_int_equal(thread_choose(tree, PID, threads), 1);
	assert_int_equal(threads[0], 102);
	assert_true(thread_is_dying(tree, PID, PID));
	assert_true(thread_is_dying(tree, PID, 101));
	assert_false(thread_is_dying(tree, PID, 102));
	assert_true(thread_is_dying(tree, PID, 103));
}

static void test_as_many_as_fit(void **state)
{
	pid_t threads[THREAD_CHOICE_MAX] = {0};

	(void)state;
	for (pid_t tid = PID; tid < PID + 20; tid++)
		put_thread(tid, tid == PID + 13 ? 'S' : 'D', 0);
	assert_int_equal(thread_choose(tree, PID, threads), THREAD_CHOICE_MAX);
	assert_int_equal(threads[0], PID + 13);
	assert_int_equal(threads[1], PID);
}

static void test_nobody(void **state)
{
	pid_t threads[THREAD_CHOICE_MAX];

	(void)state;
	assert_int_equal(thread_choose(tree, PID, threads), 0);
}

static void test_where_it_waits(void **state)
{
	char letter = 0, where[16] = "before";

	(void)state;
	assert_int_equal(thread_read_state(tree, PID, 101, &letter, where, sizeof(where)), -ESRCH);
	put_thread(101, 'D', 0);
	assert_int_equal(thread_read_state(tree, PID, 101, &letter, where, sizeof(where)), 0);
	assert_int_equal(letter, 'D');
	assert_string_equal(where, "");
	tree_put("100/task/101/wchan", "do_wait");
	assert_int_equal(thread_read_state(tree, PID, 101, &letter, where, sizeof(where)), 0);
	assert_string_equal(where, "do_wait");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_leader_first),
		in_tree(test_one_that_can_be_interrupted_first),
		in_tree(test_none_that_is_dying),
		in_tree(test_as_many_as_fit),
		in_tree(test_nobody),
		in_tree(test_where_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
