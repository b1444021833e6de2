// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/duration.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)
#define D  (24 * H)

static void test_parse_good(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"0", 0},
		{"0s", 0},
		{"0h", 0},
		{"7ns", 7},
		{"180us", 180 * US},
		{"500ms", 500 * MS},
		{"2s", 2 * S},
		{"02s", 2 * S},
		{"90s", 90 * S},
		{"5m", 5 * M},
		{"1h", H},
		{"36h", 36 * H},
		{"1m30s", 90 * S},
		{"1h2m3s4ms5us6ns", H + 2 * M + 3 * S + 4 * MS + 5 * US + 6},
		{"1h5ns", H + 5},
		{"1m500ms", M + 500 * MS},
		{"1.5s", 1500 * MS},
		{"0.25s", 250 * MS},
		{"2.50ms", 2500 * US},
		{"1.5h", 90 * M},
		{"1.5m2.25s", 90 * S + 2250 * MS},
		{"0.1h", 6 * M},
		{"1.9ns", 1},
		{"0.0000000019s", 1},
		{"0.1234567891234567891234567891234567s", 123456789},
		{"18446744073709551615ns", UINT64_MAX},
		{"18446744073.709551615s", UINT64_MAX},
		{"5124095h34m33.709551615s", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = 99;

		assert_int_equal(duration_parse(cases[i].text, &ns), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void test_parse_bad(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{" ", -EINVAL},
		{"00", -EINVAL},
		{"0.0", -EINVAL},
		{"5", -EINVAL},
		{"1.5", -EINVAL},
		{"s", -EINVAL},
		{"ms", -EINVAL},
		{"-1s", -EINVAL},
		{"+1s", -EINVAL},
		{"1s-1ms", -EINVAL},
		{" 1s", -EINVAL},
		{"1s ", -EINVAL},
		{"1 s", -EINVAL},
		{"1m 30s", -EINVAL},
		{"1s\n", -EINVAL},
		{"1sx", -EINVAL},
		{"1s5", -EINVAL},
		{"30s1m", -EINVAL},
		{"1s1s", -EINVAL},
		{"1ms1s", -EINVAL},
		{"1d", -EINVAL},
		{"1S", -EINVAL},
		{"1sec", -EINVAL},
		{"1min", -EINVAL},
		{".5s", -EINVAL},
		{"1.s", -EINVAL},
		{"1..5s", -EINVAL},
		{"1.5.5s", -EINVAL},
		{"1,5s", -EINVAL},
		{"1e3s", -EINVAL},
		{"0x10s", -EINVAL},
		{"inf", -EINVAL},
		{"18446744073709551616ns", -ERANGE},
		{"18446744073.709551616s", -ERANGE},
		{"18446744074s", -ERANGE},
		{"5124095h34m33.709551616s", -ERANGE},
		{"5124096h", -ERANGE},
		{"5124095h60m", -ERANGE},
		{"99999999999999999999999999h", -ERANGE},
		/* Malformed comes before too large, wherever it stands. */
		{"99999999999999999999999999hx", -EINVAL},
		{"99999999999999999999999999", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = 99;

		assert_int_equal(duration_parse(cases[i].text, &ns), cases[i].error);
		assert_int_equal(ns, 99);
	}
}

static void test_format(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1ns"},
		{999, "999ns"},
		{1000, "1us"},
		{180 * US + 999, "180us"},
		{999 * US + 999, "999us"},
		{MS, "1ms"},
		{1299 * US, "1.2ms"},
		{180 * MS, "180ms"},
		{180 * MS + 450 * US, "180.4ms"},
		{S - 1, "999.9ms"},
		{S, "1s"},
		{1200 * MS, "1.2s"},
		{1299 * MS, "1.2s"},
		{59 * S + 50 * MS, "59s"},
		{M - 1, "59.9s"},
		{M, "1m00s"},
		{3 * M + 5 * S, "3m05s"},
		{H - 1, "59m59s"},
		{H, "1h00m"},
		{2 * H + 3 * M + 59 * S, "2h03m"},
		{D - 1, "23h59m"},
		{D, "1d00h"},
		{4 * D + 2 * H + 59 * M, "4d02h"},
		{UINT64_MAX, "213503d23h"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[DURATION_TEXT_SIZE];

		duration_format(cases[i].ns, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_format_is_cut_to_size(void **state)
{
	char text[4] = "zzz";

	(void)state;
	duration_format(3 * M + 5 * S, text, sizeof(text));
	assert_string_equal(text, "3m0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_is_cut_to_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
