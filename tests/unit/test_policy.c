// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct match_case {
	const char *comm, *argv0;
	bool matches;
};

static void check_all(const char *const *globs, size_t glob_count, const struct match_case *cases,
		      size_t count)
{
	struct policy policy = {.name = "test", .inits = globs, .init_count = glob_count};

	for (size_t i = 0; i < count; i++)
		if (policy_matches(&policy, cases[i].comm, cases[i].argv0) != cases[i].matches)
			fail_msg("comm '%s', argv[0] '%s'", cases[i].comm, cases[i].argv0);
}

static void test_one_name(void **state)
{
	static const char *const globs[] = {"goproc"};
	static const struct match_case cases[] = {
		{"goproc", "", true},
		{"goproc", "/bin/other", true},
		{"sh", "goproc", true},
		{"sh", "/usr/local/bin/goproc", true},
		{"sh", "./goproc", true},
		{"sh", "bin/goproc", true},
		{"", "/goproc", true},
		{"sh", "", false},
		{"", "", false},
		{"GoProc", "", false},
		{"goproc2", "goprocs", false},
		/* Only the base name, and only of argv[0]. */
		{"sh", "/goproc/sh", false},
		{"sh", "/usr/bin/goproc/", false},
		{"sh", "goproc/run", false},
		{"bin/goproc", "", false},
	};

	(void)state;
	check_all(globs, COUNT(globs), cases, COUNT(cases));
}

static void test_several_globs(void **state)
{
	static const char *const globs[] = {"runsv*", "s6-?vscan", "[tc]ini"};
	static const struct match_case cases[] = {
		{"runsv", "", true},	      {"runsvdir", "", true},
		{"s6-svscan", "", true},      {"tini", "", true},
		{"sh", "/sbin/tini", true},   {"sh", "/package/s6-svscan", true},
		{"init", "", false},	      {"s6-scan", "", false},
		{"sh", "/runsv/mini", false}, {"dini", "/bin/sh", false},
	};

	(void)state;
	check_all(globs, COUNT(globs), cases, COUNT(cases));
}

/* The nameless program behind a path that ends in a slash, or behind "", is not "*"'s to match. */
static void test_what_is_not_known_matches_nothing(void **state)
{
	static const char *const any[] = {"?*"}, *const empty[] = {""};
	static const struct match_case of_any[] = {{"", "", false}, {"", "/bin/", false}};
	static const struct match_case of_empty[] = {{"sh", "", false}, {"sh", "/bin/", false}};

	(void)state;
	check_all(any, COUNT(any), of_any, COUNT(of_any));
	check_all(empty, COUNT(empty), of_empty, COUNT(of_empty));
}

static void test_no_globs_match_nothing(void **state)
{
	static const char *const globs[] = {"*"};
	static const struct match_case nothing[] = {
		{"goproc", "/bin/goproc", false}, {"sh", "sh", false}, {"", "", false}};
	static const struct match_case one[] = {{"goproc", "/bin/goproc", true}};

	(void)state;
	check_all(NULL, 0, nothing, COUNT(nothing));
	check_all(globs, 0, nothing, COUNT(nothing));
	check_all(globs, 1, one, COUNT(one));
}

static void test_base_name(void **state)
{
	(void)state;
	assert_string_equal(base_name("/usr/bin/python3"), "python3");
	assert_string_equal(base_name("python3"), "python3");
	assert_string_equal(base_name("/usr/"), "");
	assert_string_equal(base_name("/"), "");
	assert_string_equal(base_name(""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_name),
		cmocka_unit_test(test_several_globs),
		cmocka_unit_test(test_what_is_not_known_matches_nothing),
		cmocka_unit_test(test_no_globs_match_nothing),
		cmocka_unit_test(test_base_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
