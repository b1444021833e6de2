// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define S(s) ((uint64_t)(s)*NS_PER_SEC)

/* In the place of libc's: 2026-11-23T03:17:05.123456789Z, 1000 s after boot, asleep for 400. */
static struct timespec wall, boot, mono;

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	*ret_now = clock == CLOCK_REALTIME ? wall : clock == CLOCK_BOOTTIME ? boot : mono;
	return 0;
}

static int set_clocks(void **state)
{
	(void)state;
	wall = (struct timespec){1795403825, 123456789};
	boot = (struct timespec){1000, 0};
	mono = (struct timespec){600, 250000000};
	return 0;
}

static void test_boot(void **state)
{
	(void)state;
	boot.tv_nsec = 7;
	assert_int_equal(clock_boot_ns(), UINT64_C(1000000000007));
}

static void test_unix(void **state)
{
	(void)state;
	assert_int_equal(clock_boot_to_unix_ns(S(1000)), UINT64_C(1795403825123456789));
	assert_int_equal(clock_boot_to_unix_ns(S(995)), UINT64_C(1795403820123456789));
	assert_int_equal(clock_boot_to_unix_ns(0), UINT64_C(1795402825123456789));
	/* A deadline. */
	assert_int_equal(clock_boot_to_unix_ns(S(1001)), UINT64_C(1795403826123456789));
	/* The wall clock was set meanwhile: what is told follows it. */
	wall.tv_sec = 5;
	assert_int_equal(clock_boot_to_unix_ns(S(999)), UINT64_C(4123456789));
}

static void check_rfc3339(uint64_t boot_ns, const char *expected)
{
	char text[31];

	clock_format_rfc3339(boot_ns, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_rfc3339(void **state)
{
	(void)state;
	check_rfc3339(S(1000), "2026-11-23T03:17:05.123456789Z");
	check_rfc3339(S(995), "2026-11-23T03:17:00.123456789Z");
	check_rfc3339(S(1000) - 123456789, "2026-11-23T03:17:05.000000000Z");
	check_rfc3339(S(1000) - 123456790, "2026-11-23T03:17:04.999999999Z");
	check_rfc3339(S(1000) - 123456788, "2026-11-23T03:17:05.000000001Z");
	wall.tv_sec = 951782400; /* a leap day */
	check_rfc3339(S(1000), "2000-02-29T00:00:00.123456789Z");
}

static void test_reading_rfc3339(void **state)
{
	static const struct {
		const char *text;
		uint64_t unix_ns;
	} good[] = {
		{"2026-11-23T03:17:05.123456789Z", 1795403825123456789},
		{"2026-11-23T03:17:05.1Z", 1795403825100000000},
		{"2026-11-23T03:17:05Z", 1795403825000000000},
		{"2000-02-29T00:00:00.000000001Z", 951782400000000001},
		{"1970-01-01T00:00:00Z", 0},
	};
	static const char *const bad[] = {
		"",
		"2026-11-23T03:17:05",
		"2026-11-23T03:17:05.Z",
		"2026-11-23T03:17:05.1234567890Z",
		"2026-11-23T03:17:05.1z",
		"2026-11-23T03:17:05+01:00",
		"2026-13-23T03:17:05Z",
		"2026-11-23T24:17:05Z",
		"2026-11-23 03:17:05Z",
		" 026-11-23T03:17:05Z",
		"1969-12-31T23:59:59Z",
		"9999-12-31T23:59:59Z",
		"2026-11-23T03:17:05ZZ",
	};
	char text[40];
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(clock_parse_rfc3339(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].unix_ns);
	}
	clock_format_unix_rfc3339(good[0].unix_ns, text, sizeof(text));
	assert_string_equal(text, good[0].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (clock_parse_rfc3339(bad[i], &ns) != -EINVAL)
			fail_msg("%s is taken for a time", bad[i]);
}

static void check_short(uint64_t boot_ns, enum clock_kind kind, const char *expected)
{
	char text[32];

	clock_format_short(boot_ns, kind, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_short(void **state)
{
	(void)state;
	check_short(S(995), CLOCK_KIND_UTC, "03:17:00.123");
	check_short(S(1000) - 123456790, CLOCK_KIND_UTC, "03:17:04.999");
	check_short(S(1000) - 122456789, CLOCK_KIND_UTC, "03:17:05.001");
	check_short(S(995), CLOCK_KIND_LOCAL, "08:47:00.123");
	check_short(S(995), CLOCK_KIND_MONO, "595.250000");
	check_short(S(1000) - 250000000 + 1999, CLOCK_KIND_MONO, "600.000001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_boot, set_clocks),
		cmocka_unit_test_setup(test_unix, set_clocks),
		cmocka_unit_test_setup(test_rfc3339, set_clocks),
		cmocka_unit_test(test_reading_rfc3339),
		cmocka_unit_test_setup(test_short, set_clocks),
	};

	/* Without a time zone database: five and a half hours east. */
	(void)setenv("TZ", "TEST-5:30", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
