// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_object(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};
	struct json j;

	(void)state;
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_string(&j, "event", "exit");
	json_int(&j, "pid", 42);
	json_null(&j, "signal");
	json_bool(&j, "oom_killed", false);
	json_bool(&j, "core_dumped", true);
	json_object_begin(&j, "container");
	json_string(&j, "id", NULL);
	json_array_begin(&j, "names");
	json_string(&j, NULL, "a");
	json_string(&j, NULL, "b");
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_object_begin(&j, NULL);
	json_uint(&j, "n", 1);
	json_object_end(&j);
	json_array_end(&j);
	json_array_begin(&j, "none");
	json_array_end(&j);
	json_object_end(&j);
	json_double(&j, "settle_s", 1.25, 3);
	json_object_end(&j);
	assert_true(json_is_complete(&j));
	assert_string_equal(
		out.data, "{\"event\":\"exit\",\"pid\":42,\"signal\":null,\"oom_killed\":false,"
			  "\"core_dumped\":true,\"container\":{\"id\":null,\"names\":[\"a\",\"b\","
			  "{},{\"n\":1}],\"none\":[]},\"settle_s\":1.250}");
}

static void test_numbers(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};
	struct json j;

	(void)state;
	json_init(&j, &out);
	json_array_begin(&j, NULL);
	json_int(&j, NULL, INT64_MIN);
	json_int(&j, NULL, INT64_MAX);
	json_uint(&j, NULL, UINT64_MAX);
	json_double(&j, NULL, 0.0, 0);
	json_double(&j, NULL, -1.5, 1);
	json_double(&j, NULL, 1e15, 2);
	json_double(&j, NULL, 0.0000004, 6);
	json_double(&j, NULL, NAN, 1);
	json_double(&j, NULL, INFINITY, 1);
	json_double(&j, NULL, -INFINITY, 1);
	json_array_end(&j);
	assert_string_equal(out.data,
			    "[-9223372036854775808,9223372036854775807,18446744073709551615,0,-1.5,"
			    "1000000000000000.00,0.000000,null,null,null]");
}

static void test_strings(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *expected;
	} cases[] = {
		{"", 0, "\"\""},
		{"a/b 'c'", 7, "\"a/b 'c'\""},
		{"say \"hi\"\\", 9, "\"say \\\"hi\\\"\\\\\""},
		{"\n\t\r\b\f\x1b\0z", 8, "\"\\n\\t\\r\\u0008\\u000c\\u001b\\u0000z\""},
		{"\x7f\xc2\x80\xc2\x9f\xc2\xa0", 7, "\"\\u007f\\u0080\\u009f\xc2\xa0\""},
		{"\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c", 11,
		 "\"\\u202e\\u2028\\ufeff\\u061c\""},
		{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb3", 11,
		 "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb3\""},
		{"a\xff\xfe"
		 "b",
		 4, "\"a\\ufffd\\ufffdb\""},
		{"\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""},
		{"\xe2\x82", 2, "\"\\ufffd\\ufffd\""},
		{"\xe2\x82\"", 3, "\"\\ufffd\\ufffd\\\"\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_(buf_done) struct buf out = {0};
		struct json j;

		json_init(&j, &out);
		json_string_len(&j, NULL, cases[i].bytes, cases[i].len);
		assert_string_equal(out.data, cases[i].expected);
		assert_true(json_is_complete(&j));
	}
}

static void test_keys_are_escaped_too(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};
	struct json j;

	(void)state;
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_int(&j, "a\"b\xff", 1);
	json_object_end(&j);
	assert_string_equal(out.data, "{\"a\\\"b\\ufffd\":1}");
}

static void test_complete(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};
	struct json j;

	(void)state;
	json_init(&j, &out);
	assert_false(json_is_complete(&j));
	json_object_begin(&j, NULL);
	assert_false(json_is_complete(&j));
	json_array_begin(&j, "a");
	json_array_end(&j);
	assert_false(json_is_complete(&j));
	assert_int_equal(j.depth, 1);
	json_object_end(&j);
	assert_true(json_is_complete(&j));
	json_object_end(&j);
	assert_string_equal(out.data, "{\"a\":[]}");
}

/* Lines of one stream share a buffer, each with its own writer. */
static void test_appends_to_what_is_there(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	for (int line = 1; line <= 2; line++) {
		struct json j;

		json_init(&j, &out);
		json_object_begin(&j, NULL);
		json_int(&j, "n", line);
		json_object_end(&j);
		buf_putc(&out, '\n');
	}
	assert_string_equal(out.data, "{\"n\":1}\n{\"n\":2}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object),	 cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),	 cmocka_unit_test(test_keys_are_escaped_too),
		cmocka_unit_test(test_complete), cmocka_unit_test(test_appends_to_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
