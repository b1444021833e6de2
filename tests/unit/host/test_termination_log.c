// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/termination_log.h"
#include "tree.h"

#define LOG "pods/1/log"

static int put(const char *path, const char *text)
{
	return termination_log_write(tree, path, text, strlen(text));
}

static size_t read_all(const char *name, char *ret_bytes, size_t size)
{
	FILE *file = fopen(tree_path(name), "re");
	size_t len;

	assert_non_null(file);
	len = fread(ret_bytes, 1, size, file);
	assert_int_equal(fclose(file), 0);
	return len;
}

static void check_content(const char *name, const char *expected)
{
	char text[256] = "";

	text[read_all(name, text, sizeof(text) - 1)] = '\0';
	assert_string_equal(text, expected);
}

static void test_written_into_the_empty_file(void **state)
{
	(void)state;
	tree_put(LOG, "");
	assert_int_equal(put(LOG, "lastout: the end"), 0);
	check_content(LOG, "lastout: the end\n");
}

static void test_path_from_the_root(void **state)
{
	(void)state;
	tree_put(LOG, "");
	assert_int_equal(put("//" LOG, "a"), 0);
	check_content(LOG, "a\n");
}

static void test_never_over_what_is_there(void **state)
{
	(void)state;
	tree_put(LOG, "mine");
	assert_int_equal(put(LOG, "yours"), -ENOTEMPTY);
	check_content(LOG, "mine");
	tree_put(LOG, "");
	assert_int_equal(put(LOG, "first"), 0);
	assert_int_equal(put(LOG, "second"), -ENOTEMPTY);
	check_content(LOG, "first\n");
}

static void test_never_created(void **state)
{
	(void)state;
	assert_int_equal(put("log", "a"), -ENOENT);
	assert_int_equal(put("no/such/log", "a"), -ENOENT);
	assert_int_equal(put("", "a"), -ENOENT);
	assert_int_equal(access(tree_path("log"), F_OK), -1);
	assert_int_equal(termination_log_write("/no/such/root", "log", "a", 1), -ENOENT);
}

/* Wherever in the path, and even if it stays below the root. */
static void test_no_link_is_followed(void **state)
{
	char outside[] = "/tmp/lastout-unit-outside-XXXXXX";
	int fd = mkstemp(outside);

	(void)state;
	assert_true(fd >= 0);
	tree_put("target", "");
	assert_int_equal(symlink("target", tree_path("link")), 0);
	assert_int_equal(symlink(outside, tree_path("out")), 0);
	assert_int_equal(symlink(".", tree_path("here")), 0);
	assert_int_equal(symlink("/", tree_path("top")), 0);
	assert_int_equal(symlink("nobody", tree_path("dangling")), 0);
	assert_int_equal(put("link", "a"), -ELOOP);
	assert_int_equal(put("out", "a"), -ELOOP);
	assert_int_equal(put("here/target", "a"), -ELOOP);
	assert_int_equal(put("top/tmp/x", "a"), -ELOOP);
	assert_int_equal(put("dangling", "a"), -ELOOP);
	assert_int_equal(access(tree_path("nobody"), F_OK), -1);
	check_content("target", "");
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(outside), 0);
}

static void test_never_out_of_the_root(void **state)
{
	char root[64];

	(void)state;
	tree_put("secret", "");
	tree_put("root/log", "");
	(void)snprintf(root, sizeof(root), "%s/root", tree);
	assert_int_equal(termination_log_write(root, "../secret", "a", 1), -EXDEV);
	assert_int_equal(termination_log_write(root, "/../secret", "a", 1), -EXDEV);
	assert_int_equal(termination_log_write(root, "/log", "a", 1), 0);
	check_content("secret", "");
}

static void test_file_with_another_name(void **state)
{
	char shadow[64];

	(void)state;
	tree_put("shadow", "");
	(void)snprintf(shadow, sizeof(shadow), "%s/shadow", tree);
	assert_int_equal(link(shadow, tree_path("log")), 0);
	assert_int_equal(put("log", "a"), -EMLINK);
	check_content("shadow", "");
}

static void test_what_is_no_file(void **state)
{
	int reader;

	(void)state;
	tree_put_folder("folder");
	assert_int_equal(mkfifo(tree_path("fifo"), 0600), 0);
	assert_int_equal(put("folder", "a"), -EINVAL);
	assert_int_equal(put("fifo", "a"), -EINVAL);
	reader = open(tree_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(put("fifo", "a"), -EINVAL);
	assert_int_equal(read(reader, &(char){0}, 1), 0); /* nothing came */
	assert_int_equal(close(reader), 0);
	assert_int_equal(termination_log_write("/", "/dev/null", "a", 1), -EINVAL);
}

static void check_cut(const char *text, size_t len, size_t expected)
{
	static char bytes[2 * TERMINATION_LOG_SIZE];

	tree_put("long", "");
	assert_int_equal(termination_log_write(tree, "long", text, len), 0);
	assert_int_equal(read_all("long", bytes, sizeof(bytes)), expected + 1);
	assert_memory_equal(bytes, text, expected);
	assert_int_equal(bytes[expected], '\n');
}

static void test_cut_between_characters(void **state)
{
	static char text[3 * TERMINATION_LOG_SIZE];
	size_t room = TERMINATION_LOG_SIZE - 1;

	(void)state;
	memset(text, 'x', sizeof(text));
	check_cut(text, room, room);
	check_cut(text, room + 1, room);
	check_cut(text, sizeof(text), room);
	memcpy(text + room - 2, "\u20ac", 3); /* its third byte is one too many */
	check_cut(text, sizeof(text), room - 2);
	memcpy(text + room - 3, "\u20acx", 4);
	check_cut(text, sizeof(text), room);
	memset(text, 0xff, sizeof(text)); /* no UTF-8 at all */
	check_cut(text, sizeof(text), room);
	check_cut(text, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_written_into_the_empty_file), in_tree(test_path_from_the_root),
		in_tree(test_never_over_what_is_there),	   in_tree(test_never_created),
		in_tree(test_no_link_is_followed),	   in_tree(test_never_out_of_the_root),
		in_tree(test_file_with_another_name),	   in_tree(test_what_is_no_file),
		in_tree(test_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
