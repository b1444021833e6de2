// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/glob.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool is_match;
	} cases[] = {
		{"goproc", "goproc", true},
		{"goproc", "goproc2", false},
		{"goproc", "Goproc", false},
		{"goproc", "", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"task-*", "task-1", true},
		{"task-*", "task-", true},
		{"task-*", "my-task-1", false},
		{"*worker", "gpu-worker", true},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "a1c2b", false},
		{"?", "x", true},
		{"?", "", false},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[!a-c]x", "ax", false},
		{"\\*", "*", true},
		{"\\*", "x", false},
		{"a.b", "axb", false},
		/* no special slashes and dots: images and cgroups have them everywhere */
		{"*", "registry.example/team/app:1", true},
		{"registry*:1", "registry.example/team/app:1", true},
		{"/kubepods*", "/kubepods.slice/a/b", true},
		{"*", ".hidden", true},
		{"?idden", ".idden", true},
		{"PM2 v*", "PM2 v5.3.0: God", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (glob_matches(cases[i].pattern, cases[i].text) != cases[i].is_match)
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
}

static void test_everything(void **state)
{
	static const char *const patterns[] = {
		"*",	"**",	 "***",	  "?*",	   "*?",      "*?*",	 "**?",	  "??*",
		"???*", "[!x]*", "[^x]*", "*[!x]", "[!0-9]*", "*[!a-z]", "[!-]*", "*[!\\]]*",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		if (!glob_matches_everything(patterns[i]))
			fail_msg("'%s' is everything", patterns[i]);
}

/* Whatever single character a pattern leaves out at one end, it is still everything. */
static void test_everything_but_one_character(void **state)
{
	(void)state;
	for (int c = 1; c <= 0x7f; c++) {
		char pattern[8];

		(void)snprintf(pattern, sizeof(pattern), "[!%s%c]*", c == '\\' ? "\\" : "", c);
		assert_true(glob_matches_everything(pattern));
		(void)snprintf(pattern, sizeof(pattern), "*[!%s%c]", c == '\\' ? "\\" : "", c);
		assert_true(glob_matches_everything(pattern));
	}
}

static void test_a_choice(void **state)
{
	static const char *const patterns[] = {
		"",	"goproc", "goproc*", "*goproc", "*goproc*", "p*",	   "*d",
		"*a*",	"*e*",	  "*1*",     "*/*",	"*-*",	    "*.*",	   "*_*",
		"*:*",	"????*",  "?",	     "??",	"[a-z]*",   "[A-Z]*",	   "*[a-z]",
		"s6-*", "[abc]*", "\\*",     "*\\**",	"*s",	    "supervisord", "*supervise*",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		if (glob_matches_everything(patterns[i]))
			fail_msg("'%s' is a choice", patterns[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_everything_but_one_character),
		cmocka_unit_test(test_a_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
