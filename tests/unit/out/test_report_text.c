// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/report_text.h"
#include "reply.h"

#define LEFT(name, state, rest)                                                            \
	"{'id':'" name "','name':'" name "','pod':null,'state':'" state "','policy':null," \
	"'init':{'pid':1,'comm':'goproc'},'last_exit':{'exit_code':0,'signal':null}," rest "}"

#define FULL(name, state)  LEFT(name, state, "'idle_s':90,'memory_bytes':1048576,'cpu_request':0.25")
#define EMPTY(name, state) LEFT(name, state, "'idle_s':null,'memory_bytes':null,'cpu_request':null")

static void check(void (*put)(struct buf *out, const json_t *leftovers), const char *json,
		  const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *containers = reply(json), *leftovers = leftovers_of(containers);

	put(&out, leftovers);
	assert_string_equal(out.data, expected);
	json_decref(leftovers);
	json_decref(containers);
}

static void put_table(struct buf *out, const json_t *leftovers)
{
	const struct containers_style style = {.is_report = true};

	report_put_table(out, &style, leftovers);
}

static void test_table(void **state)
{
	(void)state;
	check(put_table,
	      "[" FULL("a", "settling") "," FULL("b", "working") "," EMPTY("c", "killing") "," FULL(
		      "d", "stopping") "," FULL("e", "starting") "," FULL("f", "gone") "]",
	      "ID NAME INIT   POLICY LAST EXIT  IDLE MEMORY CPU REQUEST\n"
	      "a  a    goproc -      0         1m30s   1.0M        0.25\n"
	      "c  c    goproc -      0             -      -           -\n"
	      "d  d    goproc -      0         1m30s   1.0M        0.25\n"
	      "3 containers have only a process manager left, idle for 3m00s in all, holding 2.0M of "
	      "memory, with 0.5 CPUs requested\n");
}

static void test_one_that_nothing_is_known_of(void **state)
{
	(void)state;
	check(put_table, "[" EMPTY("c", "settling") "]",
	      "ID NAME INIT   POLICY LAST EXIT IDLE MEMORY CPU REQUEST\n"
	      "c  c    goproc -      0            -      -           -\n"
	      "1 container has only a process manager left\n");
}

static void test_none(void **state)
{
	(void)state;
	check(put_table, "[]", "no container has only its process manager left\n");
	check(put_table, "[" FULL("b", "working") ",7,null,{'state':3}]",
	      "no container has only its process manager left\n");
	check(report_put_json, "[" FULL("b", "working") "]",
	      "{\"containers\":[],\"totals\":{\"containers\":0,\"idle_s\":0.0,"
	      "\"memory_bytes\":0,\"cpu_request\":0.0}}\n");
}

/* Each as the agent has told it, with the keys that this program does not know. */
static void test_json(void **state)
{
	(void)state;
	check(report_put_json, "[{'state':'settling','idle_s':1.5,'new':[]}]",
	      "{\"containers\":[{\"state\":\"settling\",\"idle_s\":1.5,\"new\":[]}],"
	      "\"totals\":{\"containers\":1,\"idle_s\":1.5,\"memory_bytes\":0,"
	      "\"cpu_request\":0.0}}\n");
}

/* An agent that says nonsense does no harm to the sums. */
static void test_nonsense(void **state)
{
	(void)state;
	check(report_put_json,
	      "[{'state':'settling','idle_s':-1,'memory_bytes':'x','cpu_request':1e300}]",
	      "{\"containers\":[{\"state\":\"settling\",\"idle_s\":-1,\"memory_bytes\":\"x\","
	      "\"cpu_request\":1e300}],\"totals\":{\"containers\":1,\"idle_s\":0.0,"
	      "\"memory_bytes\":0,\"cpu_request\":0.0}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_one_that_nothing_is_known_of),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
