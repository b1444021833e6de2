// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "exit_by_status/exit_reason.h"
#include "tree.h"

enum { PID = 100, TID = 101 };

static struct exit_by_status_request request = {.proc = tree, .pid = PID};

static void put_thread(char state, const char *where)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "101 (x) %c 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0\n",
		       state);
	tree_put("100/task/101/stat", text);
	(void)unlink(tree_path("100/task/101/wchan"));
	if (where)
		tree_put("100/task/101/wchan", where);
}

static void test_silent(void **state)
{
	static const struct {
		char state;
		const char *where;
		enum exit_by_status_result expected;
	} cases[] = {
		/* cgroup2 on 6.18 and 7.3, on 5.10 (which tells no function), without the file */
		{'S', "get_signal", EXIT_BY_STATUS_FROZEN},
		{'S', "0", EXIT_BY_STATUS_FROZEN},
		{'S', NULL, EXIT_BY_STATUS_FROZEN},
		{'S', "do_freezer_trap", EXIT_BY_STATUS_FROZEN},
		/* v1 */
		{'D', "__refrigerator", EXIT_BY_STATUS_FROZEN},
		{'D', "kernel_clone", EXIT_BY_STATUS_UNINTERRUPTIBLE},
		{'D', "0", EXIT_BY_STATUS_UNINTERRUPTIBLE},
		{'T', "get_signal", EXIT_BY_STATUS_STOPPED},
		{'R', "0", EXIT_BY_STATUS_TIMED_OUT},
		{'S', "handle_userfault", EXIT_BY_STATUS_TIMED_OUT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_thread(cases[i].state, cases[i].where);
		assert_int_equal(exit_reason_silent(&request, TID), cases[i].expected);
	}
	assert_int_equal(exit_reason_silent(&request, TID + 1), EXIT_BY_STATUS_GONE);
}

static void check_refused(enum exit_by_status_result expected, pid_t tracer)
{
	pid_t found = 99;

	assert_int_equal(exit_reason_refused(&request, TID, &found), expected);
	assert_int_equal(found, tracer);
}

static void test_refused(void **state)
{
	(void)state;
	check_refused(EXIT_BY_STATUS_GONE, 0);
	put_thread('S', "0");
	tree_put("100/task/101/status", "Name:\tTracerPid: 9\nTracerPid:\t0\nUid:\t0\n");
	check_refused(EXIT_BY_STATUS_DENIED, 0);
	tree_put("sys/kernel/yama/ptrace_scope", "2\n");
	check_refused(EXIT_BY_STATUS_DENIED, 0);
	tree_put("sys/kernel/yama/ptrace_scope", "3\n");
	check_refused(EXIT_BY_STATUS_SCOPE, 0);
	tree_put("100/task/101/status", "Name:\tx\nTracerPid:\t4711\nUid:\t0\n");
	check_refused(EXIT_BY_STATUS_TRACED, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_silent),
		in_tree(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
