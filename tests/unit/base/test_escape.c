// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/escape.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, so that it may contain NULs. */
#define BYTES(literal) literal, sizeof(literal) - 1

struct text_case {
	const char *bytes;
	size_t len;
	const char *expected;
};

static void check_all(const struct text_case *cases, size_t count,
		      void (*escape)(struct buf *, const char *, size_t))
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_(buf_done) struct buf out = {0};
		/* A copy of exactly this size, so that reading past the end is found. */
		_cleanup_free_ char *bytes = malloc(cases[i].len ? cases[i].len : 1);

		assert_non_null(bytes);
		memcpy(bytes, cases[i].bytes, cases[i].len);
		escape(&out, bytes, cases[i].len);
		assert_false(out.failed);
		assert_string_equal(out.data, cases[i].expected);
	}
}

static void test_text(void **state)
{
	static const struct text_case cases[] = {
		{BYTES(""), ""},
		{BYTES("python3"), "python3"},
		{BYTES("a \"b\" c=d 'e'"), "a \"b\" c=d 'e'"},
		{BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3"),
		 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3"},
		{BYTES("a\nb\tc\rd\\e"), "a\\nb\\tc\\rd\\\\e"},
		{BYTES("\0\x01\x1f\x7f"), "\\x00\\x01\\x1f\\x7f"},
		{BYTES("\x1b[31mred"), "\\x1b[31mred"},
		/* C1: U+0080, U+009B (the one-character CSI), U+009F; U+00A0 is not one */
		{BYTES("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"),
		 "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0"},
		/* U+200A, U+200B, U+200F, U+2010 */
		{BYTES("\xe2\x80\x8a\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\x90"),
		 "\xe2\x80\x8a\\xe2\\x80\\x8b\\xe2\\x80\\x8f\xe2\x80\x90"},
		/* U+2027, U+2028, U+2029, U+202A, U+202E, U+202F */
		{BYTES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf"),
		 "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\xe2\\x80\\xaa\\xe2\\x80\\xae"
		 "\xe2\x80\xaf"},
		/* U+205F, U+2060, U+2069, U+206A */
		{BYTES("\xe2\x81\x9f\xe2\x81\xa0\xe2\x81\xa9\xe2\x81\xaa"),
		 "\xe2\x81\x9f\\xe2\\x81\\xa0\\xe2\\x81\\xa9\xe2\x81\xaa"},
		/* U+061C, U+FEFF */
		{BYTES("\xd8\x9c\xef\xbb\xbf"), "\\xd8\\x9c\\xef\\xbb\\xbf"},
		/* stray continuation, 0xff, overlong slash (two and three bytes), overlong NUL */
		{BYTES("\x80"), "\\x80"},
		{BYTES("\xff\xfe"), "\\xff\\xfe"},
		{BYTES("\xc0\xaf"), "\\xc0\\xaf"},
		{BYTES("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"},
		{BYTES("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf"},
		/* surrogate U+D800, U+110000, five bytes */
		{BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
		{BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"},
		{BYTES("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80"},
		/* cut off at the end, and by another character, which survives */
		{BYTES("a\xe2\x82"), "a\\xe2\\x82"},
		{BYTES("\xe2\x82z"), "\\xe2\\x82z"},
		{BYTES("\xc3\xc3\xbc"), "\\xc3\xc3\xbc"},
	};

	(void)state;
	check_all(cases, COUNT(cases), escape_text);
}

static void test_quoted(void **state)
{
	static const struct text_case cases[] = {
		{BYTES("python3"), "python3"},
		{BYTES("a/b:c,d;e"), "a/b:c,d;e"},
		{BYTES("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
		{BYTES(""), "\"\""},
		{BYTES("two words"), "\"two words\""},
		{BYTES("a=b"), "\"a=b\""},
		{BYTES("say \"hi\""), "\"say \\\"hi\\\"\""},
		{BYTES("\""), "\"\\\"\""},
		{BYTES("it's"), "\"it's\""},
		{BYTES("back\\slash"), "\"back\\\\slash\""},
		{BYTES("ends\\\""), "\"ends\\\\\\\"\""},
		{BYTES("x\nlevel=error"), "\"x\\nlevel=error\""},
		{BYTES("\x1b"), "\"\\x1b\""},
		{BYTES("\xff"), "\"\\xff\""},
		{BYTES("\xe2\x80\xae"), "\"\\xe2\\x80\\xae\""},
	};

	(void)state;
	check_all(cases, COUNT(cases), escape_quoted);
}

/* Every code point that exists, encoded here by the rule and not by the table. */
static void test_every_code_point_decodes(void **state)
{
	(void)state;
	for (uint32_t expected = 0; expected <= 0x10ffff; expected++) {
		size_t len = expected < 0x80	? 1 :
			     expected < 0x800	? 2 :
			     expected < 0x10000 ? 3 :
						  4;
		unsigned char s[4] = {(unsigned char)expected};
		uint32_t code_point = UINT32_MAX;
		bool is_surrogate = expected >= 0xd800 && expected <= 0xdfff;

		if (len > 1) {
			for (size_t i = 1; i < len; i++)
				s[i] = 0x80 | (expected >> 6 * (len - 1 - i) & 0x3f);
			s[0] = (unsigned char)(0xf00 >> len | expected >> 6 * (len - 1));
		}
		if (is_surrogate) {
			assert_int_equal(utf8_decode(s, len, &code_point), 0);
			assert_int_equal(code_point, UINT32_MAX);
			continue;
		}
		assert_int_equal(utf8_decode(s, len, &code_point), len);
		assert_int_equal(code_point, expected);
		assert_int_equal(utf8_valid_length(s, len - 1), 0);
	}
}

/* A decoder that accepts anything overlong would find a second way to write some code point. */
static void test_no_code_point_has_two_forms(void **state)
{
	unsigned long valid = 0;

	(void)state;
	for (uint32_t bits = 0; bits <= 0xffff; bits++) {
		unsigned char two[2] = {(unsigned char)(bits >> 8), (unsigned char)bits};

		valid += utf8_valid_length(two, 2) == 2;
	}
	assert_int_equal(valid, 0x800 - 0x80);
	valid = 0;
	for (uint32_t bits = 0xe00000; bits <= 0xefffff; bits++) {
		unsigned char three[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
					  (unsigned char)bits};

		valid += utf8_valid_length(three, 3) == 3;
	}
	assert_int_equal(valid, 0x10000 - 0x800 - 0x800);
}

static void test_nothing_is_no_sequence(void **state)
{
	(void)state;
	assert_int_equal(utf8_valid_length((const unsigned char *)"", 0), 0);
	assert_int_equal(utf8_valid_length((const unsigned char *)"ab", 2), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_every_code_point_decodes),
		cmocka_unit_test(test_no_code_point_has_two_forms),
		cmocka_unit_test(test_nothing_is_no_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
