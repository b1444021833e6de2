// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "runtimes/state_file.h"
#include "tree.h"

#define ID_63 "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_64 "0" ID_63

static int read_file(const char *dir, const char *path, size_t max)
{
	_cleanup_close_ int fd = state_dir_open(tree, dir);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err;

	assert_true(fd >= 0);
	err = state_file_read(fd, path, max, &text, &len);
	if (!err)
		assert_int_equal(strlen(text), len);
	return err ? err : (int)len;
}

static void test_reads_whole_files(void **state)
{
	(void)state;
	tree_put("run/runc/web/state.json", "{}");
	tree_put("run/runc/empty", "");
	assert_int_equal(read_file("/run/runc", "web/state.json", 2), 2);
	assert_int_equal(read_file("run/runc", "web/state.json", 100), 2);
	assert_int_equal(read_file("/run/runc", "empty", 0), 0);
	assert_int_equal(read_file("/run/runc", "web/state.json", 1), -EFBIG);
	assert_int_equal(read_file("/run/runc", "web/status", 100), -ENOENT);
	assert_int_equal(read_file("/run/runc", "job/state.json", 100), -ENOENT);
	assert_int_equal(read_file("/run/runc", "empty/state.json", 100), -ENOENT);
}

/* A FIFO without a writer would hold up an open for reading for ever. */
static void test_refuses_what_is_no_file(void **state)
{
	(void)state;
	tree_put("secret", "{}");
	tree_put("run/real/state.json", "{}");
	assert_int_equal(mkfifo(tree_path("run/fifo"), 0600), 0);
	tree_put_folder("run/folder");
	assert_int_equal(symlink("real", tree_path("run/link")), 0);
	assert_int_equal(symlink("../secret", tree_path("run/out")), 0);
	assert_int_equal(symlink("/etc/passwd", tree_path("run/far")), 0);
	assert_int_equal(symlink("/proc/self/root", tree_path("run/magic")), 0);
	assert_int_equal(read_file("/run", "fifo", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "folder", 1 << 20), -EBADMSG);
	assert_int_equal(read_file("/run", "link/state.json", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "out", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "far", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "magic/etc/passwd", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "../secret", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "/secret", 100), -EBADMSG);
	assert_int_equal(read_file("/run", "real/state.json", 100), 2);
}

/* An administrator may move a directory and leave a link; it means a place below the same root. */
static void test_links_to_directories_stay_in_the_root(void **state)
{
	int fd;

	(void)state;
	tree_put("run/runc/web/state.json", "{}");
	tree_put_folder("var");
	assert_int_equal(symlink("/run", tree_path("var/run")), 0);
	assert_int_equal(symlink("../../../../../run", tree_path("var/up")), 0);
	assert_int_equal(symlink("/proc", tree_path("var/proc")), 0);
	assert_int_equal(symlink("loop", tree_path("var/loop")), 0);
	assert_int_equal(read_file("/var/run/runc", "web/state.json", 100), 2);
	assert_int_equal(read_file("/var/up/runc", "web/state.json", 100), 2);
	assert_int_equal(state_dir_open(tree, "/var/proc"), -ENOENT);
	assert_int_equal(state_dir_open(tree, "/var/loop"), -ELOOP);
	assert_int_equal(state_dir_open(tree, "/missing"), -ENOENT);
	assert_int_equal(state_dir_open(tree, "/run/runc/web/state.json"), -ENOTDIR);
	assert_int_equal(state_dir_open("/nonexistent", "/run"), -ENOENT);
	fd = state_dir_open("", "/proc");
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static void test_has_directories(void **state)
{
	_cleanup_close_ int fd = -1;

	(void)state;
	tree_put("run/runc/web/state.json", "{}");
	assert_int_equal(symlink("web", tree_path("run/runc/link")), 0);
	fd = state_dir_open(tree, "/run/runc");
	assert_true(state_dir_has(fd, "web"));
	assert_false(state_dir_has(fd, "web/state.json"));
	assert_false(state_dir_has(fd, "link"));
	assert_false(state_dir_has(fd, "job"));
	assert_false(state_dir_has(fd, ".."));
}

static void test_ids(void **state)
{
	static const char *const good[] = {"web", "a", "A_b+c-d.e", "0", ID_64, ID_64 ID_63};
	static const char *const bad[] = {"",	 ".",	     "..",	".web", "a/b",	    "a b",
					  "a\n", "\xc3\xa9", "a\\x2db", "a%s",	ID_64 ID_64};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(state_id_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(state_id_is_valid(bad[i]));
	assert_true(state_id_is_generated(ID_64));
	assert_false(state_id_is_generated(ID_64 "0"));
	assert_false(state_id_is_generated(ID_63));
	assert_false(state_id_is_generated("A" ID_63));
}

static bool count_entry(void *context, const char *name)
{
	assert_true(state_id_is_valid(name));
	return ++*(unsigned *)context < 3;
}

static void test_scan_gives_ids_and_stops(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned count = 0;

	(void)state;
	tree_put_folder("run/a");
	tree_put_folder("run/.hidden");
	tree_put_folder("run/with space");
	tree_put_folder("run/b");
	fd = state_dir_open(tree, "/run");
	state_dir_scan(fd, count_entry, &count);
	assert_int_equal(count, 2);
	count = 0;
	state_dir_scan(fd, count_entry, &count); /* from the beginning again */
	assert_int_equal(count, 2);
	tree_put_folder("run/c");
	tree_put_folder("run/d");
	count = 0;
	state_dir_scan(fd, count_entry, &count);
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_reads_whole_files),
		in_tree(test_refuses_what_is_no_file),
		in_tree(test_links_to_directories_stay_in_the_root),
		in_tree(test_has_directories),
		cmocka_unit_test(test_ids),
		in_tree(test_scan_gives_ids_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
