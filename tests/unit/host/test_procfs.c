// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/procfs.h"
#include "tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PID = 4711, EXITING = 0x4 };

/* Every number of the line is another one, so that none is taken for its neighbour. */
static void put_stat(const char *name, const char *comm, char state, unsigned flags)
{
	char line[512];

	(void)snprintf(line, sizeof(line),
		       "4711 (%s) %c 21 -22 23 24 -25 %u 31 32 33 34 35 36 37 38 20 -5 41 0 %llu "
		       "51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 17 3 0 0 0 0 0 0 0 0 0 0 0 0 "
		       "0\n",
		       comm, state, flags, 123456789012ULL);
	tree_put(name, line);
}

static void test_stat_with_hostile_names(void **state)
{
	static const char *const names[] = {
		"python3",
		"",
		" ",
		")",
		"(",
		"()",
		") R 1 2 3 4 5 6 7",
		"a) S (b",
		"x\ny",
		"((sd-pam))",
		"\x1b[31m\xff",
		"%s%n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct procfs_stat stat;

		put_stat("4711/stat", names[i], 'D', 4194560);
		assert_int_equal(procfs_read_stat(tree, PID, &stat), 0);
		assert_string_equal(stat.comm, names[i]);
		assert_int_equal(stat.state, 'D');
		assert_int_equal(stat.flags, 4194560);
		assert_int_equal(stat.start_ticks, UINT64_C(123456789012));
	}
}

/* A kernel thread's name may be longer than a process's: 64, and cut there. */
static void test_stat_with_a_long_name(void **state)
{
	struct procfs_stat stat;
	char name[71];

	(void)state;
	memset(name, 'k', sizeof(name) - 1);
	for (size_t len = 63; len <= 70; len++) {
		name[len] = '\0';
		put_stat("4711/stat", name, 'I', 0);
		assert_int_equal(procfs_read_stat(tree, PID, &stat), 0);
		assert_int_equal(strlen(stat.comm), len < 64 ? len : 64);
		assert_int_equal(stat.state, 'I');
		name[len] = 'k';
	}
}

static void test_stat_of_nobody(void **state)
{
	struct procfs_stat stat = {.comm = "kept"};

	(void)state;
	assert_int_equal(procfs_read_stat(tree, PID, &stat), -ESRCH);
	tree_put_folder("4711/stat");
	assert_int_equal(procfs_read_stat(tree, PID, &stat), -EISDIR);
	assert_string_equal(stat.comm, "kept");
}

static void test_stat_that_is_none(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"4711",
		"4711 python3 S 1",
		"4711 (python3",
		"4711 python3) S 1",
		"4711 )python3( S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"4711 (python3)",
		"4711 (python3) S",
		"4711 (python3) S 21 22 23 24 25",
		"4711 (python3) S 21 22 23 24 25 26 31 32 33 34 35 36 37 38 20 0 1",
		"4711 (python3) S 21 22 23 24 25 26 31 32 33 34 35 36 37 38 20 0 1 0 ",
		"4711 (python3) S 21 22 23 24 25 flags 31 32 33 34 35 36 37 38 20 0 1 0 99",
	};
	struct procfs_stat stat = {.comm = "kept"};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		tree_put("4711/stat", lines[i]);
		if (procfs_read_stat(tree, PID, &stat) != -EINVAL)
			fail_msg("'%s'", lines[i]);
	}
	assert_string_equal(stat.comm, "kept");
}

static void test_the_living_are_not_dying(void **state)
{
	static const char states[] = "RSDTtIW";

	(void)state;
	for (const char *c = states; *c; c++) {
		put_stat("4711/stat", "python3", *c, ~(unsigned)EXITING);
		put_stat("4711/task/4711/stat", "python3", *c, ~(unsigned)EXITING);
		assert_false(procfs_is_dying(tree, PID));
	}
}

static void test_zombies_are_dying(void **state)
{
	(void)state;
	put_stat("4711/stat", "python3", 'Z', 0);
	put_stat("4711/task/4711/stat", "python3", 'Z', 0);
	assert_true(procfs_is_dying(tree, PID));
	put_stat("4711/stat", "python3", 'X', 0);
	put_stat("4711/task/4711/stat", "python3", 'X', 0);
	assert_true(procfs_is_dying(tree, PID));
}

/* While its memory is freed: every thread exits, and one of them is still at it. */
static void test_exiting_in_all_threads_is_dying(void **state)
{
	(void)state;
	put_stat("4711/stat", "python3", 'D', 0x400100 | EXITING);
	put_stat("4711/task/4711/stat", "python3", 'D', 0x400100 | EXITING);
	put_stat("4711/task/4712/stat", "python3", 'R', EXITING);
	put_stat("4711/task/4713/stat", "python3", 'Z', 0);
	assert_true(procfs_is_dying(tree, PID));
	put_stat("4711/task/4712/stat", "python3", 'R', 0x400100);
	assert_false(procfs_is_dying(tree, PID));
}

static void test_dead_leader_with_a_live_worker_is_alive(void **state)
{
	static const char *const workers[] = {"4711/task/4712/stat", "4711/task/4700/stat"};

	(void)state;
	put_stat("4711/stat", "python3", 'Z', EXITING);
	put_stat("4711/task/4711/stat", "python3", 'Z', EXITING);
	for (size_t i = 0; i < COUNT(workers); i++) {
		put_stat(workers[i], "z) Z 1 (", 'S', 0x400040);
		assert_false(procfs_is_dying(tree, PID));
		put_stat(workers[i], "z) S 1 (", 'Z', 0x400040);
		assert_true(procfs_is_dying(tree, PID));
	}
}

static void test_the_vanished_are_dying(void **state)
{
	(void)state;
	assert_true(procfs_is_dying(tree, PID));
	/* Gone between the two looks; a thread gone between listing and look. */
	put_stat("4711/stat", "python3", 'Z', EXITING);
	assert_true(procfs_is_dying(tree, PID));
	tree_put_folder("4711/task");
	assert_true(procfs_is_dying(tree, PID));
	tree_put_folder("4711/task/4712");
	assert_true(procfs_is_dying(tree, PID));
	/* Whatever the order of the list: one that lives stands behind one that has vanished. */
	for (int thread = 4700; thread < 4720; thread++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "4711/task/%d/stat", thread);
		put_stat(name, "python3", 'S', 0);
		assert_false(procfs_is_dying(tree, PID));
		assert_int_equal(unlink(tree_path(name)), 0);
		assert_true(procfs_is_dying(tree, PID));
	}
}

static void test_what_cannot_be_read_is_alive(void **state)
{
	(void)state;
	tree_put_folder("1/stat");
	assert_false(procfs_is_dying(tree, 1));
	tree_put("2/stat", "2 (python3) Z");
	assert_false(procfs_is_dying(tree, 2));
	put_stat("3/stat", "python3", 'Z', EXITING);
	tree_put("3/task", "not a folder");
	assert_false(procfs_is_dying(tree, 3));
	put_stat("4/stat", "python3", 'Z', EXITING);
	put_stat("4/task/4/stat", "python3", 'Z', EXITING);
	tree_put_folder("4/task/5/stat");
	assert_false(procfs_is_dying(tree, 4));
	put_stat("5/stat", "python3", 'Z', EXITING);
	tree_put("5/task/6/stat", "6 (python3) Z 1");
	assert_false(procfs_is_dying(tree, 5));
}

/* In hundredths of a second, cut and not rounded, as the kernel does. */
static void test_start(void **state)
{
	struct procfs_stat stat = {.start_ticks = 12345};

	(void)state;
	assert_true(procfs_is_start(&stat, UINT64_C(123450000000)));
	assert_true(procfs_is_start(&stat, UINT64_C(123459999999)));
	assert_false(procfs_is_start(&stat, UINT64_C(123449999999)));
	assert_false(procfs_is_start(&stat, UINT64_C(123460000000)));
	assert_false(procfs_is_start(&stat, 0));
	stat.start_ticks = 0;
	assert_true(procfs_is_start(&stat, 9999999));
	assert_false(procfs_is_start(&stat, 10000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_stat_with_hostile_names),
		in_tree(test_stat_with_a_long_name),
		in_tree(test_stat_of_nobody),
		in_tree(test_stat_that_is_none),
		in_tree(test_the_living_are_not_dying),
		in_tree(test_zombies_are_dying),
		in_tree(test_exiting_in_all_threads_is_dying),
		in_tree(test_dead_leader_with_a_live_worker_is_alive),
		in_tree(test_the_vanished_are_dying),
		in_tree(test_what_cannot_be_read_is_alive),
		in_tree(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
