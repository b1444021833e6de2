// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/reply_text.h"
#include "reply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ID "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"

static void check(void (*put)(struct buf *, const json_t *), const char *json, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *value = reply(json);

	put(&out, value);
	assert_string_equal(out.data ? out.data : "", expected);
	json_decref(value);
}

static void test_names(void **state)
{
	(void)state;
	check(reply_put_container_name, "{'id':'" ID "','name':'web\\n'}", "web\\n");
	check(reply_put_container_name, "{'id':'" ID "','name':null}", "9687bac58d5c");
	check(reply_put_container_name, "{'id':'chosen\\u001b[2J','name':''}", "chosen\\x1b[2J");
	check(reply_put_container_name, "{}", "-");
	check(reply_put_container_name, "null", "-");
	check(reply_put_container_name, "{'id':7,'name':['x']}", "-");
}

static void test_pods(void **state)
{
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{"{'pod':'web-0','namespace':'prod'}", "prod/web-0"},
		{"{'pod':'web-0','namespace':null}", "web-0"},
		{"{'pod':null,'namespace':'prod'}", ""},
		{"{}", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_(buf_done) struct buf out = {0};
		json_t *container = reply(cases[i].json);

		assert_int_equal(reply_put_pod(&out, container), cases[i].expected[0] != '\0');
		assert_string_equal(out.data ? out.data : "", cases[i].expected);
		json_decref(container);
	}
}

static void test_status(void **state)
{
	static const struct {
		const char *json;
		int status;
	} cases[] = {
		{"{'exit_code':0,'signal':null}", 0},
		{"{'exit_code':255,'signal':null}", 255 << 8},
		{"{'exit_code':null,'signal':'SIGKILL'}", SIGKILL},
		{"{'exit_code':null,'signal':'SIGRTMIN+3'}", 37},
		{"{'exit_code':null,'signal':null}", -1},
		{"{'exit_code':null,'signal':'SIGNIFICANT'}", -1},
		{"{'exit_code':'0'}", -1},
		{"null", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *ended = reply(cases[i].json);

		assert_int_equal(reply_status(ended), cases[i].status);
		json_decref(ended);
	}
}

static void test_ends(void **state)
{
	(void)state;
	check(reply_put_end, "{'pid':7,'comm':'py\\tthon','exit_code':3,'signal':null}",
	      "py\\tthon[7] exited with 3");
	check(reply_put_end, "{'pid':7,'comm':'x','exit_code':null,'signal':'SIGSEGV'}",
	      "x[7] was killed by SIGSEGV");
	check(reply_put_end, "{'pid':7,'comm':'x'}", "x[7] ended, how was not seen");
}

#define OUTCOME(how, init, last)                                                        \
	"{'event':'finished','container':{'id':'" ID "','name':'web'},'how':'" how "'," \
	"'init':{'pid':1,'comm':'goproc'," init "},'last_task':" last "}"

static void test_outcomes(void **state)
{
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{OUTCOME("signal", "'exit_code':null,'signal':'SIGTERM'",
			 "{'pid':2,'comm':'work','exit_code':0,'signal':null}"),
		 "web: goproc[1] ended when asked to (SIGTERM); last task work[2] exited with 0\n"},
		{OUTCOME("self", "'exit_code':3,'signal':null", "null"),
		 "web: goproc[1] ended by itself (code 3)\n"},
		{OUTCOME("kill", "'exit_code':null,'signal':'SIGKILL'", "null"),
		 "web: goproc[1] had to be killed (SIGKILL)\n"},
		{OUTCOME("dry_run", "'exit_code':null,'signal':null", "null"),
		 "web: goproc[1] would be asked to end now (dry run)\n"},
		/* of an agent of next year */
		{OUTCOME("charm\\n", "'exit_code':null", "null"), "web: goproc[1] charm\\n\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check(reply_put_outcome, cases[i].json, cases[i].expected);
	check(reply_put_outcome, "{}", "-: -[0] -\n");
}

/* As it came, but with nothing in it that a terminal might act on. */
static void test_json(void **state)
{
	(void)state;
	check(reply_put_json, "{'b':[1,null,true],'a':{'x':0.25},'n':12.345}",
	      "{\"b\":[1,null,true],\"a\":{\"x\":0.25},\"n\":12.345}\n");
	check(reply_put_json, "'\\u001b\\u009b\\u202e\\u007f\\u007fx\\u00fc\\u007f'",
	      "\"\\u001B\\u009B\\u202E\\u007f\\u007fx\\u00FC\\u007f\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_pods),
		cmocka_unit_test(test_status),	 cmocka_unit_test(test_ends),
		cmocka_unit_test(test_outcomes), cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
