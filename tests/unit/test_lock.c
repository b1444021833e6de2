// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/lock.h"
#include "tree.h"

static void test_made_held_and_removed(void **state)
{
	const char *directory = tree_path("run");
	struct stat stat_buf;
	struct error error;
	int fd = -1;

	(void)state;
	(void)umask(0);
	assert_int_equal(lock_take(directory, &fd, &error), 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(stat(directory, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode, S_IFDIR | 0700);
	lock_release(directory, fd);
	assert_int_equal(access(directory, F_OK), -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_only_one_has_it(void **state)
{
	const char *directory = tree_path("run");
	char expected[1536];
	struct error error;
	int first = -1, second = 99;

	(void)state;
	assert_int_equal(lock_take(directory, &first, &error), 0);
	assert_int_equal(lock_take(directory, &second, &error), -EWOULDBLOCK);
	assert_int_equal(second, 99);
	(void)snprintf(expected, sizeof(expected),
		       "another agent is running: it holds %s; stop it, or give this one its own "
		       "--run-dir",
		       directory);
	assert_string_equal(error.text, expected);
	lock_release(directory, first);
	assert_int_equal(lock_take(directory, &second, &error), 0);
	lock_release(directory, second);
}

/* Killed: the kernel lets go, the folder stays. */
static void test_left_behind(void **state)
{
	const char *directory = tree_path("run");
	struct error error;
	int fd;

	(void)state;
	assert_int_equal(lock_take(directory, &fd, &error), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(access(directory, F_OK), 0);
	assert_int_equal(lock_take(directory, &fd, &error), 0);
	lock_release(directory, fd);
	assert_int_equal(access(directory, F_OK), -1);
}

static void test_what_others_put_there_stays(void **state)
{
	char directory[64];
	struct error error;
	int fd;

	(void)state;
	(void)snprintf(directory, sizeof(directory), "%s/run", tree);
	assert_int_equal(lock_take(directory, &fd, &error), 0);
	tree_put("run/socket", "");
	lock_release(directory, fd);
	assert_int_equal(access(tree_path("run/socket"), F_OK), 0);
	assert_int_equal(lock_take(directory, &fd, &error), 0);
	assert_int_equal(close(fd), 0);
}

static void check_refused(const char *name, int expected, const char *what, const char *reason)
{
	char directory[64], text[256];
	struct error error;
	int fd = 99;

	(void)snprintf(directory, sizeof(directory), "%s/%s", tree, name);
	(void)snprintf(text, sizeof(text), "%s %s: %s", what, directory, reason);
	assert_int_equal(lock_take(directory, &fd, &error), expected);
	assert_string_equal(error.text, text);
	assert_int_equal(fd, 99);
}

static void test_what_is_no_folder_is_refused(void **state)
{
	(void)state;
	tree_put("file", "");
	tree_put_folder("folder");
	assert_int_equal(symlink("folder", tree_path("link")), 0);
	check_refused("no/such/parent", -ENOENT, "cannot make", "No such file or directory");
	check_refused("file", -ENOTDIR, "cannot open", "Not a directory");
	check_refused("link", -ENOTDIR, "cannot open", "Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_made_held_and_removed),
		in_tree(test_only_one_has_it),
		in_tree(test_left_behind),
		in_tree(test_what_others_put_there_stays),
		in_tree(test_what_is_no_folder_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
