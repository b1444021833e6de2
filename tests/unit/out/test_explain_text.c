// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/explain_text.h"
#include "reply.h"

static void check(bool has_colour, const char *json, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *container = reply(json);

	explain_put(&out, has_colour, container);
	assert_string_equal(out.data, expected);
	json_decref(container);
}

static const char full[] =
	"{'id':'abc','name':'web','runtime':'containerd','image':'web:1','pod':'job-1',"
	"'namespace':'prod','cgroup':'/kubepods/x','state':'settling','policy':'queue',"
	"'policy_why':'match','action':'finish','dry_run':true,'tasks':0,'helpers':1,"
	"'injected':2,'init':{'pid':1,'comm':'goproc','argv0':'/bin/go proc\\n'},"
	"'last_exit':{'time':'2026-11-23T03:17:00.1Z','pid':9,'comm':'work','exit_code':3,"
	"'signal':null},'idle_s':0.25,'memory_bytes':12582912,"
	"'policies':[{'name':'never','verdict':'differs','key':'namespace'},"
	"{'name':'queue','verdict':'matched','key':null},"
	"{'name':'rest','verdict':'not reached','key':null}],'rejected_choice':'root\\u001b',"
	"'members':[{'pid':1,'role':'init','comm':'goproc','is_dying':false},"
	"{'pid':1234567,'role':'task','comm':'work\\n','is_dying':true}],"
	"'guards':[{'name':'frozen','is_ok':true,'text':'it runs'},"
	"{'name':'namespace','is_ok':false,'text':'it has the PID namespace of the host'}],"
	"'would':{'text':'ask init to end by SIGTERM','in_s':0.75}}";

static void test_all_of_it(void **state)
{
	(void)state;
	check(false, full,
	      "container   web (containerd)\n"
	      "id          abc\n"
	      "pod         prod/job-1\n"
	      "image       web:1\n"
	      "cgroup      /kubepods/x\n"
	      "state       settling, 0 tasks, 1 helper, 2 injected, 12M of memory\n"
	      "init        goproc[1], started as /bin/go proc\\n\n"
	      "last exit   work[9] exited with 3, idle since then: 250ms\n"
	      "policy      queue (match): finish, but a dry run\n"
	      "policies    differs         never, by namespace\n"
	      "            matched         queue\n"
	      "            not reached     rest\n"
	      "            it asked for `root\\x1b`, which it may not choose\n"
	      "inside            1 init     goproc\n"
	      "            1234567 task     work\\n (dying)\n"
	      "guards      ok  frozen           it runs\n"
	      "            NO  namespace        it has the PID namespace of the host\n"
	      "next        ask init to end by SIGTERM, in 750ms\n");
}

static void test_little_is_known(void **state)
{
	(void)state;
	check(false,
	      "{'id':'abc','name':null,'runtime':'runc','state':'starting','tasks':1,'policy':null,"
	      "'policy_why':'off','action':'watch','init':null,'last_exit':null,'members':[],"
	      "'would':{'text':'nothing','in_s':null}}",
	      "container   abc (runc)\n"
	      "id          abc\n"
	      "state       starting, 1 task, 0 helpers, 0 injected\n"
	      "init        none so far\n"
	      "last exit   none so far\n"
	      "policy      none (off): watch\n"
	      "inside      nobody\n"
	      "next        nothing\n");
	check(false, "[]",
	      "container   - (-)\n"
	      "state       -, 0 tasks, 0 helpers, 0 injected\n"
	      "init        none so far\n"
	      "last exit   none so far\n"
	      "policy      none: -\n"
	      "inside      nobody\n");
}

static void test_what_could_not_be_read(void **state)
{
	json_t *container = reply(
		"{\"id\": \"web\", \"runtime\": \"runc\", \"identity\": {\"state\": \"unreadable\","
		"\"missing\": [\"image\", \"labels\"], \"unread_path\": \"/srv/web/config.json\","
		"\"unread_error\": \"Permission denied\", \"looked_in\": ["
		"{\"path\": \"/run/runc\", \"error\": null},"
		"{\"path\": \"/run/crun\", \"error\": \"Input/output error\"}]}}");
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	explain_put(&out, false, container);
	assert_non_null(strstr(out.data, "unreadable  /srv/web/config.json: Permission denied\n"));
	assert_non_null(strstr(out.data, "not found   image, labels; looked in /run/runc, "
					 "/run/crun (Input/output error)\n"));
	json_decref(container);
}

static void test_colour_is_the_status_alone(void **state)
{
	_cleanup_(buf_done) struct buf out = {0};
	json_t *container = reply(full);

	(void)state;
	explain_put(&out, true, container);
	assert_non_null(strstr(
		out.data, "last exit   \x1b[33mwork[9] exited with 3\x1b[0m, idle since then"));
	*strchr(strchr(out.data, '\x1b') + 1, '\x1b') = '-';
	*strchr(out.data, '\x1b') = '-';
	assert_null(strchr(out.data, '\x1b'));
	json_decref(container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_little_is_known),
		cmocka_unit_test(test_what_could_not_be_read),
		cmocka_unit_test(test_colour_is_the_status_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
