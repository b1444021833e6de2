// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/containers_text.h"
#include "reply.h"

#define ID "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"

#define WORKING                                                                               \
	"{'id':'" ID "','name':'web','runtime':'docker','image':'web:1','pod':null,"          \
	"'namespace':null,'cgroup':'/docker/x','state':'working','policy':'queue',"           \
	"'policy_why':'match','action':'finish','dry_run':false,'tasks':12,'helpers':1,"      \
	"'injected':3,'init':{'pid':4711,'comm':'goproc','argv0':'goproc'},'last_exit':null," \
	"'idle_s':null,'memory_bytes':12582912}"

/* Nothing is known of it but that it is there. */
#define NEW                                                                                      \
	"{'id':'build-7','name':null,'runtime':'runc','image':null,'pod':null,'namespace':null," \
	"'state':'starting','policy':null,'policy_why':null,'action':'watch','dry_run':false,"   \
	"'tasks':0,'helpers':0,'injected':0,'init':null,'last_exit':null,'idle_s':null,"         \
	"'memory_bytes':null}"

#define ENDED(name, end)                                                                       \
	"{'id':'x','name':'" name "','runtime':'containerd','pod':'job-1','namespace':'prod'," \
	"'state':'settling','policy':'queue','action':'finish','dry_run':true,'tasks':0,"      \
	"'helpers':0,'injected':0,'init':{'pid':1,'comm':'sh'},'last_exit':{'time':"           \
	"'2026-11-23T03:17:00.123456789Z','pid':9,'comm':'w'," end "},'idle_s':63.5,"          \
	"'memory_bytes':1023}"

static void check(const struct containers_style *style, const char *json, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *containers = reply(json);

	containers_put_table(&out, style, containers);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, strlen(expected));
	json_decref(containers);
}

static void check_losses(const char *json, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *losses = json ? reply(json) : NULL;

	containers_put_losses(&out, losses);
	assert_string_equal(out.data ? out.data : "", expected);
	json_decref(losses);
}

static void test_losses(void **state)
{
	(void)state;
	check_losses(NULL, ""); /* an older agent does not say */
	check_losses("{'ring_full':0,'stale':0}", "");
	check_losses(
		"{'ring_full':3,'stale':0,'skipped':1}",
		"lost, and made good by reading all containers again: 3 ring_full, 1 skipped\n");
	check_losses("{'a\\u001b':3,'b':'x','c':-1}",
		     "lost, and made good by reading all containers again: 3 a\\x1b\n");
}

static const struct containers_style plain, coloured = {.has_colour = true},
					    wide = {.is_wide = true};

/* Columns as wide as what is in them; no column for pods where there are none. */
static void test_table(void **state)
{
	(void)state;
	check(&plain, "[]",
	      "ID NAME RUNTIME INIT TASKS HELPERS STATE POLICY LAST EXIT IDLE MEMORY\n");
	check(&plain, "[" WORKING "," NEW "]",
	      "ID           NAME RUNTIME INIT   TASKS HELPERS STATE    POLICY LAST EXIT IDLE MEMORY\n"
	      "build-7      -    runc    -          0       0 starting -      -            -      -\n"
	      "9687bac58d5c web  docker  goproc    12       1 working  queue  -            -    12M\n");
}

static void test_pods_and_statuses(void **state)
{
	static const char json[] = "[" ENDED("c", "'exit_code':null,'signal':'SIGKILL'") "," ENDED(
		"b", "'exit_code':3,'signal':null") "," ENDED("a", "'exit_code':0,'signal':"
								   "null") "]";

	(void)state;
	check(&plain, json,
	      "ID NAME POD        RUNTIME    INIT TASKS HELPERS STATE    POLICY          LAST EXIT  IDLE MEMORY\n"
	      "x  a    prod/job-1 containerd sh       0       0 settling queue (dry run) 0         1m03s  1023B\n"
	      "x  b    prod/job-1 containerd sh       0       0 settling queue (dry run) code 3    1m03s  1023B\n"
	      "x  c    prod/job-1 containerd sh       0       0 settling queue (dry run) SIGKILL   1m03s  1023B\n");
	check(&coloured, json,
	      "ID NAME POD        RUNTIME    INIT TASKS HELPERS STATE    POLICY          LAST EXIT  IDLE MEMORY\n"
	      "x  a    prod/job-1 containerd sh       0       0 settling queue (dry run) \x1b[32m0\x1b[0m         1m03s  1023B\n"
	      "x  b    prod/job-1 containerd sh       0       0 settling queue (dry run) \x1b[33mcode 3\x1b[0m    1m03s  1023B\n"
	      "x  c    prod/job-1 containerd sh       0       0 settling queue (dry run) \x1b[31mSIGKILL\x1b[0m   1m03s  1023B\n");
}

static void test_wide(void **state)
{
	(void)state;
	check(&wide, "[" WORKING "]",
	      "ID                                                               NAME RUNTIME IMAGE INIT         TASKS HELPERS INJECTED STATE   POLICY LAST EXIT IDLE MEMORY\n" ID
	      " web  docker  web:1 goproc[4711]    12       1        3 working queue  -            -    12M\n");
}

static void test_policies(void **state)
{
	static const struct {
		const char *json, *shown;
	} cases[] = {
		{"'policy':'p','action':'watch'", "p (watch)"},
		{"'policy':'p','action':'ignore','policy_why':'match'", "p (ignore)"},
		{"'policy':'p','action':'finish','policy_why':'label'", "p"},
		{"'policy':null,'action':'watch','policy_why':'off'", "off"},
		{"'policy':null,'action':'watch','policy_why':null", "-"},
		{"'policy':'p\\u001b','action':'\\u001b'", "p\\x1b (\\x1b)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_done) struct buf out = {0};
		char json[256], cell[64];
		json_t *containers;

		(void)snprintf(json, sizeof(json), "[{%s}]", cases[i].json);
		(void)snprintf(cell, sizeof(cell), " -     %-*s -  ",
			       (int)(strlen(cases[i].shown) < 6 ? 6 : strlen(cases[i].shown)),
			       cases[i].shown);
		containers = reply(json);
		containers_put_table(&out, &plain, containers);
		if (!strstr(out.data, cell))
			fail_msg("no '%s' in %s", cell, out.data);
		json_decref(containers);
	}
}

/* What a container chose, and what no agent of today says. */
static void test_hostile(void **state)
{
	(void)state;
	check(&plain,
	      "[{'id':'\\n','name':'\\u001b[2J\\u202e','init':{'comm':'\\u00fc\\u009b\\\\'}},"
	      "'text',{'id':7,'tasks':'many','idle_s':-1,'memory_bytes':-5,'last_exit':[]}]",
	      "ID NAME                RUNTIME INIT        TASKS HELPERS STATE POLICY LAST EXIT IDLE MEMORY\n"
	      "-  -                   -       -               -       - -     -      -            -      -\n"
	      "-  -                   -       -               -       - -     -      -            -      -\n"
	      "\\n \\x1b[2J\\xe2\\x80\\xae -       \xc3\xbc\\xc2\\x9b\\\\     -       - -     -      -            -      -\n");
	check(&plain, "{'not':'a list'}",
	      "ID NAME RUNTIME INIT TASKS HELPERS STATE POLICY LAST EXIT IDLE MEMORY\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_pods_and_statuses),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
