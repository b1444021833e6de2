// SPDX-License-Identifier: Apache-2.0
/* What is no configuration: each with its place, the reason, and what was meant. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/nearest.h"

#define V     "version: 1\n"
#define AGENT V "agent:\n  "
#define DEFLT V "defaults:\n  "
#define POL   V "policies:\n- name: a\n  "

struct error_case {
	const char *text;
	const char *place; /* LINE:COLUMN */
	const char *words; /* what the reason says */
};

static void check(const char *text, size_t len, const char *place, const char *words)
{
	struct config config;
	struct error error;
	char begin[64];

	if (config_parse("f.yaml", text, len, &config, &error) != -EINVAL)
		fail_msg("%s\nis taken", text);
	(void)snprintf(begin, sizeof(begin), "f.yaml:%s: ", place);
	if (strncmp(error.text, begin, strlen(begin)) != 0 || !strstr(error.text, words))
		fail_msg("%s\ngives: %s\nnot %s%s", text, error.text, begin, words);
}

static void check_all(const struct error_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(cases[i].text, strlen(cases[i].text), cases[i].place, cases[i].words);
}

#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_what_is_no_yaml(void **state)
{
	static const struct error_case cases[] = {
		{"", "1:1", "version: 1"},
		{"# nothing\n", "1:1", "version: 1"},
		{"---\n", "2:1", "version: 1"},
		{V "agent: {", "3:1", "flow"},
		{V "agent:\n\tpin: none\n", "3:1", "token"},
		{V " pin: none\n", "2:5", "mapping values"},
		{V "agent: \"x\n", "3:1", "quoted scalar"},
		{V "a\x01: 1\n", "2:2", "control characters"},
		{V "agent: {pin: \"/a\\0b\"}\n", "2:14", "NUL"},
	};

	(void)state;
	CHECK_ALL(cases);
	check("version\0: 1", 11, "1:8", "NUL");
	check(V "\0", sizeof(V), "2:1", "NUL");
}

static void test_what_is_no_utf8(void **state)
{
	static const struct error_case cases[] = {
		{V "# \xe4\xf6\n", "2:3", "UTF-8"},
		{V "# \xc3\xa4\xc3\xb6\xff", "2:5", "UTF-8"}, /* columns are characters */
		{V "# \xed\xa0\x80", "2:3", "UTF-8"},
		{"\xff\xfev", "1:1", "UTF-8"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_what_is_not_taken_of_yaml(void **state)
{
	static const struct error_case cases[] = {
		{V "agent: &a {}\ndefaults: *a\n", "2:8", "anchors"},
		{V "defaults: *a\n", "2:11", "quotes"},
		{V "defaults: {settle: &a 1s}\n", "2:20", "anchors"},
		{V "*a : 1\n", "2:1", "quotes"},
		{"version: !!int 1\n", "1:10", "tags"},
		{V "agent: !x {}\n", "2:8", "tags"},
		{V "policies: !x []\n", "2:11", "tags"},
		{V "---\n" V, "2:1", "second document"},
		{V "...\n---\n", "3:1", "second document"},
		{V "? [a]\n: b\n", "2:3", "a key has to be a text"},
		{V "<<: {a: b}\n", "2:1", "unknown key"},
		{V "agent: {state_dirs: {runc: [[[[[[[[[x]]]]]]]]]}}\n", "2:33", "too deep"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "1:9", "too deep"},
	};

	(void)state;
	CHECK_ALL(cases);
}

/* Each level of a few lines would be nine times the one before. */
static void test_what_grows_without_end(void **state)
{
	static const struct error_case cases[] = {
		{"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", "1:4",
		 "anchors"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_long_lists(void **state)
{
	char text[8192] = DEFLT "restart_codes: [0";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", 1");
	check(text, len, "3:3019", "more than 1000");
}

static void test_version(void **state)
{
	static const struct error_case cases[] = {
		{"agent: {}\n", "1:1", "`version: 1` is missing"},
		{"version: 2\nnew: thing\n", "2:1", "unknown key"},
		{"version: 2\n", "1:10", "'2' is not known"},
		{"version: 1.0\n", "1:10", "'1.0' is not known"},
		{"version:\n", "1:9", "missing"},
		{"version: [1]\n", "1:10", "not a list"},
		{"- version: 1\n", "1:1", "map"},
		{"1\n", "1:1", "map"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_unknown_keys_name_the_nearest(void **state)
{
	static const struct error_case cases[] = {
		{V "polices: []\n", "2:1", "'polices'; did you mean 'policies'?"},
		{V "agents: {}\n", "2:1", "'agent'"},
		{V "metrics: 127.0.0.1:1\n", "2:1",
		 "there are: version, agent, defaults, policies"},
		{AGENT "max_procesess: 1\n", "3:3", "'max_processes'"},
		{AGENT "Socket: /x\n", "3:3", "'socket'"},
		{AGENT "state_dirs: {contianerd: /x}\n", "3:16", "'containerd'"},
		{AGENT "state_dirs: {lxc: /x}\n", "3:16",
		 "there are: runc, crun, containerd, docker, podman, crio, runsc"},
		{DEFLT "helper: []\n", "3:3", "'helpers'"},
		{DEFLT "restart-codes: []\n", "3:3", "'restart_codes'"},
		{DEFLT "match: {}\n", "3:3", "unknown key of defaults"},
		{POL "setle: 1s\n", "4:3", "'settle'"},
		{POL "match: {inti: x}\n", "4:11", "'init'"},
		{POL "match: {labels: {a: b}}\n", "4:11", "'label'"},
		{POL "\x1b[31m: 1\n", "4:3", "control characters"},
		{POL "helpers: [x]\n", "4:12", "below defaults"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_twice(void **state)
{
	static const struct error_case cases[] = {
		{V "agent: {}\nversion: 1\n", "3:1", "'version' is there already, on line 1"},
		{POL "settle: 1s\n  \"settle\": 2s\n", "5:3", "on line 4"},
		{POL "match: {env: {A: b, A: c}}\n", "4:23", "'A' is there already"},
		{POL "match: {}\n- name: a\n", "5:9", "'a' is there already"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_wrong_kinds(void **state)
{
	static const struct error_case cases[] = {
		{V "agent: x\n", "2:8", "agent is a map"},
		{V "agent: []\n", "2:8", "agent is a map"},
		{V "defaults: [a]\n", "2:11", "defaults is a map"},
		{V "policies: {name: a}\n", "2:11", "policies is a list"},
		{V "policies: a\n", "2:11", "policies is a list"},
		{V "policies: [a]\n", "2:12", "a policy is a map"},
		{V "policies:\n-\n", "3:2", "a policy is a map"},
		{AGENT "state_dirs: /x\n", "3:15", "state_dirs is a map"},
		{AGENT "socket: [/x]\n", "3:11", "not a list"},
		{AGENT "pin: {a: b}\n", "3:8", "not a map"},
		{DEFLT "settle:\n", "3:10", "missing"},
		{DEFLT "settle: ''\n", "3:11", "missing"},
		{DEFLT "helpers: {a: b}\n", "3:12", "not a map"},
		{POL "match:\n", "4:9", "nothing to match"},
		{POL "match: x\n", "4:10", "match is a map"},
		{POL "match: {init: []}\n", "4:17", "empty list"},
		{POL "match: {init: ''}\n", "4:17", "missing"},
		{POL "match: {init: [a, {b: c}]}\n", "4:21", "not a map"},
		{POL "match: {label: a}\n", "4:18", "{KEY: VALUE}"},
		{POL "match: {label: {}}\n", "4:18", "{KEY: VALUE}"},
		{POL "match: {label: {a}}\n", "4:20", "missing"},
		{POL "match: {label: {'': a}}\n", "4:19", "missing"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_wrong_settings(void **state)
{
	static const struct error_case cases[] = {
		{DEFLT "settle: 1\n", "3:11", "no duration; write one like 500ms"},
		{DEFLT "grace: 2d\n", "3:10", "no duration"},
		{DEFLT "grace: 9000h\n", "3:10", "longer than a year"},
		{DEFLT "restart_settle: 99999999999999h\n", "3:19", "longer than a year"},
		{DEFLT "signal: TREM\n", "3:11", "no signal; write one like TERM"},
		{DEFLT "signal: 0\n", "3:11", "no signal"},
		{DEFLT "signal: 65\n", "3:11", "no signal"},
		{DEFLT "status: tsak\n", "3:11", "unknown value 'tsak'; did you mean 'task'?"},
		{DEFLT "injected: maybe\n", "3:13", "there are: ignore, hold"},
		{DEFLT "host_pid: yes\n", "3:13", "there are: refuse, allow"},
		{DEFLT "limit: 3\n", "3:10", "3/20m"},
		{DEFLT "limit: 0/20m\n", "3:10", "3/20m"},
		{DEFLT "limit: 3/0\n", "3:10", "3/20m"},
		{DEFLT "limit: 3/x\n", "3:10", "3/20m"},
		{DEFLT "limit: -3/20m\n", "3:10", "3/20m"},
		{DEFLT "limit: 1001/20m\n", "3:10", "1 to 1000"},
		{DEFLT "restart_codes: [1, 256]\n", "3:22", "from 0 to 255"},
		{DEFLT "restart_codes: [-1]\n", "3:19", "from 0 to 255"},
		{DEFLT "restart_codes: [1.0]\n", "3:19", "from 0 to 255"},
		{DEFLT "helpers: ['*']\n", "3:13", "PREFIX*"},
		{DEFLT "helpers: sixteen-letters-\n", "3:12", "15 characters"},
		{POL "action: finnish\n", "4:11", "did you mean 'finish'?"},
		{POL "selectable: yes\n", "4:15", "there are: false, true"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_wrong_agent(void **state)
{
	static const struct error_case cases[] = {
		{AGENT "metrics: 9871\n", "3:12", "no ADDRESS:PORT"},
		{AGENT "metrics: localhost:9871\n", "3:12", "no ADDRESS:PORT"},
		{AGENT "socket: lastout.sock\n", "3:11", "path from the root"},
		{AGENT "socket: none\n", "3:11", "path from the root"},
		{AGENT "pin: off\n", "3:8", "path from the root"},
		{AGENT "max_processes: 0\n", "3:18", "from 1024 to 4194304"},
		{AGENT "max_processes: 99999999999999999999\n", "3:18", "from 1024 to 4194304"},
		{AGENT "max_containers: 1e3\n", "3:19", "from 16 to 262144"},
		{AGENT "state_dirs: {runc: run/runc}\n", "3:22", "path from the root"},
		{AGENT "state_dirs: {runc: []}\n", "3:22", "empty list"},
		{AGENT "socket: /"
		       "123456789012345678901234567890123456789012345678901234567890"
		       "12345678901234567890123456789012345678901234567\n",
		 "3:11", "108 bytes; 107 are possible"},
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_wrong_policies(void **state)
{
	static const struct error_case cases[] = {
		{V "policies:\n- match: {init: a}\n", "3:3", "no name"},
		{V "policies:\n- name: off\n", "3:9", "means something else"},
		{V "policies:\n- name: none\n", "3:9", "means something else"},
		{V "policies:\n- name: defaults\n", "3:9", "means something else"},
		{V "policies:\n- name: a b\n", "3:9", "is no name"},
		{V "policies:\n- name: -a\n", "3:9", "is no name"},
		{V "policies:\n- name: a.\n", "3:9", "is no name"},
		{V "policies:\n- name: \xc3\xa4\n", "3:9", "is no name"},
		{V "policies:\n- name: \"\\e[31m\"\n", "3:9", "is no name"},
		{V
		 "policies:\n- name: 1234567890123456789012345678901234567890123456789012345678901"
		 "234\n",
		 "3:9", "up to 63"},
		{POL "match: {init: '*'}\n", "3:3", "matches every container"},
		{POL "match: {init: [goproc, '?*'], container: '*'}\n", "3:3",
		 "matches every container"},
		{V "policies:\n- name: a\n  match: {}\n- name: b\n  match: {image: '**'}\n", "5:3",
		 "'b' matches every container"},
	};

	(void)state;
	CHECK_ALL(cases);
}

/* To have nothing to do with all of them is no accident, and all pods are a choice. */
static void test_what_may_match_everything(void **state)
{
	static const char *const texts[] = {
		POL "match: {init: '*'}\n  action: ignore\n",
		POL "match: {init: '*'}\n  action: watch\n",
		POL "match: {pod: '*'}\n",
		POL "match: {init: '*', label: {x: '*'}}\n",
		V "policies:\n- {name: A-1_b.c, match: {init: a}}\n",
	};
	struct config config;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (config_parse("f", texts[i], strlen(texts[i]), &config, &error) < 0)
			fail_msg("%s\n%s", texts[i], error.text);
		config_done(&config);
	}
}

/* However long the words of the file and its name are. */
static void test_long_words(void **state)
{
	char text[3000] = V, name[1000] = "";
	struct config config;
	struct error error;

	(void)state;
	memset(text + strlen(V), 'x', 2000);
	strcat(text, ": 1\n");
	memset(name, 'f', sizeof(name) - 1);
	check(text, strlen(text), "2:2001", "could not find");
	text[strlen(V) + 900] = ':';
	text[strlen(V) + 901] = ' ';
	assert_int_equal(config_parse(name, text, strlen(V) + 903, &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "f:2:1: unknown key of the configuration 'xxx"));
	assert_non_null(strstr(error.text, "policies"));
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"settle", "signal", "status", "init"};

	(void)state;
	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("settle", "settle"), 0);
	assert_int_equal(nearest_distance("settle", "setle"), 1);
	assert_int_equal(nearest_distance("setle", "settle"), 1);
	assert_int_equal(nearest_distance("settel", "settle"), 1);
	assert_int_equal(nearest_distance("sattle", "settle"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance("0123456789012345678901234567890123456789", "a"), 32);
	assert_string_equal(nearest_word("singal", words, 4), "signal");
	assert_string_equal(nearest_word("inti", words, 4), "init");
	assert_null(nearest_word("grace", words, 4));
	assert_null(nearest_word("init", words, 3));
	assert_null(nearest_word("x", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_yaml),
		cmocka_unit_test(test_what_is_no_utf8),
		cmocka_unit_test(test_what_is_not_taken_of_yaml),
		cmocka_unit_test(test_what_grows_without_end),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_unknown_keys_name_the_nearest),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_wrong_kinds),
		cmocka_unit_test(test_wrong_settings),
		cmocka_unit_test(test_wrong_agent),
		cmocka_unit_test(test_wrong_policies),
		cmocka_unit_test(test_what_may_match_everything),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
