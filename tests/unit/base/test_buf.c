// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* Let the sanitizer's allocator refuse as the real one does, instead of ending the program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_empty_has_no_memory(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};

	(void)state;
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	buf_reset(&b);
	assert_null(b.data);
	buf_done(NULL);
}

static void test_nothing_appended_is_an_empty_string(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};

	(void)state;
	buf_append(&b, NULL, 0);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	assert_false(b.failed);
}

static void test_pieces_join_and_stay_terminated(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};

	(void)state;
	buf_puts(&b, "ab");
	assert_string_equal(b.data, "ab");
	buf_putc(&b, 'c');
	assert_string_equal(b.data, "abc");
	buf_append(&b, "defXX", 3);
	assert_string_equal(b.data, "abcdef");
	buf_printf(&b, "-%d-%s", 42, "x");
	assert_string_equal(b.data, "abcdef-42-x");
	assert_int_equal(b.len, strlen("abcdef-42-x"));
}

static void test_nul_bytes_are_bytes(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};

	(void)state;
	buf_append(&b, "a\0b", 3);
	buf_putc(&b, '\0');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\0", 5);
}

/* Every length around the first and later sizes of the memory, by bytes and by printf. */
static void test_growth(void **state)
{
	char expected[1001];

	(void)state;
	memset(expected, 'x', sizeof(expected) - 1);
	expected[sizeof(expected) - 1] = '\0';
	for (int n = 0; n <= 1000; n++) {
		_cleanup_(buf_done) struct buf at_once = {0}, by_byte = {0};

		buf_printf(&at_once, "%.*s", n, expected);
		for (int i = 0; i < n; i++)
			buf_putc(&by_byte, 'x');
		buf_puts(&by_byte, "");
		assert_int_equal(at_once.len, n);
		assert_int_equal(by_byte.len, n);
		assert_memory_equal(at_once.data, expected, n);
		assert_string_equal(at_once.data, by_byte.data);
	}
}

static void test_reset_keeps_memory(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};
	char *data;

	(void)state;
	buf_puts(&b, "first");
	data = b.data;
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_puts(&b, "2nd");
	assert_ptr_equal(b.data, data);
	assert_string_equal(b.data, "2nd");
}

static void test_failure_sticks_and_keeps_what_was(void **state)
{
	_cleanup_(buf_done) struct buf b = {0};
	volatile size_t too_many = SIZE_MAX - 2; /* overflows together with what is there */

	(void)state;
	buf_puts(&b, "kept");
	buf_append(&b, "x", too_many);
	assert_true(b.failed);
	buf_puts(&b, "no");
	buf_putc(&b, 'n');
	buf_printf(&b, "%d", 1);
	assert_string_equal(b.data, "kept");
	assert_int_equal(b.len, 4);
	buf_reset(&b);
	assert_false(b.failed);
	buf_puts(&b, "again");
	assert_string_equal(b.data, "again");
}

/* More than a buffer may ever hold, and more than any allocator has. */
static void test_no_memory_is_a_failure(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		_cleanup_(buf_done) struct buf b = {0};
		volatile size_t too_many = sizes[i];

		buf_append(&b, "x", too_many);
		assert_true(b.failed);
		assert_null(b.data);
		assert_int_equal(b.len, 0);
	}
}

static void test_done_empties(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "text");
	buf_done(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, 0);
	buf_done(&b);
}

static void test_steal_leaves_the_variable_empty(void **state)
{
	char *taken;
	int fd;

	(void)state;
	{
		_cleanup_free_ char *owned = strdup("mine");
		_cleanup_close_ int opened = dup(0);

		assert_true(opened >= 0);
		fd = STEAL_FD(opened);
		taken = STEAL_PTR(owned);
		assert_null(owned);
		assert_int_equal(opened, -1);
	}
	assert_string_equal(taken, "mine");
	free(taken);
	assert_int_equal(close(fd), 0);
}

static void test_close_at_the_end_of_the_scope(void **state)
{
	int fd;

	(void)state;
	{
		_cleanup_close_ int opened = dup(0);
		_cleanup_close_ int none = -1;

		fd = opened;
		assert_true(fd >= 0);
		errno = ENOENT;
	}
	assert_int_equal(errno, ENOENT);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_has_no_memory),
		cmocka_unit_test(test_nothing_appended_is_an_empty_string),
		cmocka_unit_test(test_pieces_join_and_stay_terminated),
		cmocka_unit_test(test_nul_bytes_are_bytes),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_reset_keeps_memory),
		cmocka_unit_test(test_failure_sticks_and_keeps_what_was),
		cmocka_unit_test(test_no_memory_is_a_failure),
		cmocka_unit_test(test_done_empties),
		cmocka_unit_test(test_steal_leaves_the_variable_empty),
		cmocka_unit_test(test_close_at_the_end_of_the_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
