// SPDX-License-Identifier: Apache-2.0
/* Recordings, those that are kept and made-up ones, against what an agent would have done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "replay/replay.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One policy for `goproc`, which settles for a second. */
static struct policy *policies_init(struct policy_set *set)
{
	struct policy *policy;

	assert_int_equal(policy_set_init(set), 0);
	assert_int_equal(policy_set_add(set, "p", &policy), 0);
	policy->has_match = true;
	assert_int_equal(policy_globs_add(&policy->match[POLICY_INIT], "goproc"), 0);
	return policy;
}

static void put_line(void *context, const struct replay_line *line)
{
	replay_line_text(context, line);
}

static struct replay_totals play_file(FILE *file, const struct policy_set *set, struct buf *out)
{
	const struct replay_options options = {
		.file = file, .policies = set, .say = put_line, .context = out};
	struct replay_totals totals = {0};
	struct error error;

	assert_non_null(file);
	assert_int_equal(replay_run(&options, &totals, &error), 0);
	(void)fclose(file);
	return totals;
}

static struct replay_totals play(const struct buf *recording, const struct policy_set *set,
				 struct buf *out)
{
	return play_file(fmemopen(recording->data, recording->len, "r"), set, out);
}

static void check(const struct buf *recording, const struct policy_set *set, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};

	(void)play(recording, set, &out);
	assert_string_equal(out.data ? out.data : "", expected);
}

/* --- lines as tail prints them, at that second --- */

struct exits {
	const char *container;
	const char *role;
	double at_s, age_s;
	unsigned tasks_left, injected_left;
	int code;
	unsigned init_pid; /* 0: init is not told */
};

static void put_exit(struct buf *out, struct exits is)
{
	unsigned ms = (unsigned)(is.at_s * 1000 + 0.5);

	buf_printf(out,
		   "{\"time\":\"2026-11-24T10:00:%02u.%03u000000Z\",\"event\":\"exit\",\"pid\":7,"
		   "\"comm\":\"work\",\"exit_code\":%d,\"signal\":null,\"duration_s\":%.6f,"
		   "\"role\":\"%s\",\"tasks_left\":%u,\"container\":{\"id\":\"%s\",\"name\":null,"
		   "\"runtime\":\"runc\"},",
		   ms / 1000, ms % 1000, is.code, is.age_s, is.role, is.tasks_left, is.container);
	if (is.init_pid)
		buf_printf(out,
			   "\"injected_left\":%u,\"init\":{\"pid\":%u,\"comm\":\"goproc\","
			   "\"argv0\":null}}\n",
			   is.injected_left, is.init_pid);
	else
		buf_puts(out, "\"x\":1}\n");
}

#define AT	"2026-11-24T10:00:"
#define ASKED	"Z a would be asked to end by SIGTERM, init goproc[1] (settle 1s after last task "
#define DEFINED "; policy p (match)"
#define WORKS	"Z a is working (task)\n"
#define LAST	"Z a is settling (last_exit: work[7] exited with 0)\n"
#define STOPS	"Z a is stopping (empty)\n"

static void test_last_exit(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "task", 2, 1, 1, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 3, 2.5, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "helper", 5, 1, 0, 0, 0, 1});
	check(&recording, &set,
	      AT "00.500" WORKS AT "03.000" LAST AT "04.000" STOPS AT "04.000" ASKED
		 "work[7] exited with 0)" DEFINED "\n");
}

/* That a task began within settle is known from its exit alone, long after. */
static void test_task_that_joins(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"b", "task", 9, 8, 0, 0, 0, 0});
	put_exit(&recording, (struct exits){"a", "task", 20, 16.5, 0, 0, 0, 1});
	check(&recording, &set,
	      AT "01.000" WORKS AT "01.000Z b is working (task)\n" AT "03.000" LAST AT
		 "03.500" WORKS AT "09.000Z b is settling (last_exit: work[7] exited with 0)\n" AT
		 "09.000Z b may be of policy p: its `init` matches or not, and the recording does "
		 "not tell\n" AT "20.000" LAST AT "21.000" ASKED "work[7] exited with 0)" DEFINED
		 "; not certain: the recording ends before\n");
}

/* Microseconds are told: a task may seem to have begun before the last exit, which it did not. */
static void test_task_that_seems_older(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 9, 6.000001, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "init", 9.5, 9, 0, 0, 0, 1});
	check(&recording, &set,
	      AT "01.000" WORKS AT "03.000" LAST AT "03.000" WORKS AT "09.000" LAST AT
		 "09.500Z a is gone (init_exit)\n" AT
		 "09.500Z a ended before it would be asked: init work[7] exited with 0" DEFINED
		 "\n");
}

static void test_injected_process(void **state)
{
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set);

	(void)state;
	for (unsigned is_told = 0; is_told < 2; is_told++) {
		_cleanup_(buf_done) struct buf recording = {0};

		put_exit(&recording, (struct exits){"a", "task", 2, 1, 1, 1, 0, 1});
		put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 1, 0, is_told});
		put_exit(&recording, (struct exits){"a", "injected", 6, 5, 0, 0, 0, is_told});
		put_exit(&recording, (struct exits){"a", "helper", 9, 5, 0, 0, 0, is_told});
		policy->injected_holds = true;
		check(&recording, &set,
		      AT "01.000" WORKS AT "06.000" LAST AT "07.000" STOPS AT "07.000" ASKED
			 "work[7] exited with 0)" DEFINED "\n");
		policy->injected_holds = false;
		check(&recording, &set,
		      AT "01.000" WORKS AT "03.000" LAST AT "04.000" STOPS AT "04.000" ASKED
			 "work[7] exited with 0)" DEFINED "\n");
	}
}

static void test_restart_settle(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set);

	(void)state;
	policy->restart_settle_ns = 5 * NS_PER_SEC;
	policy->has_restart_settle = true;
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 7, 1});
	put_exit(&recording, (struct exits){"a", "helper", 30, 5, 0, 0, 0, 1});
	(void)play(&recording, &set, &out);
	assert_non_null(strstr(out.data, AT "08.000Z a would be asked to end by SIGTERM"));
	assert_non_null(strstr(out.data, "(settle 5s after last task work[7] exited with 7)"));
}

/* The limit is of a workload, and counts in the order of time, whoever is read first. */
static void test_limit(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set);
	struct replay_totals totals;

	(void)state;
	policy->limit = (struct policy_limit){1, 3600 * NS_PER_SEC};
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 9, 2, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 20, 2, 0, 0, 0, 1});
	totals = play(&recording, &set, &out);
	assert_int_equal(totals.asked, 1);
	assert_non_null(strstr(out.data, AT "04.000Z a would be asked"));
	assert_non_null(strstr(out.data, AT "10.000Z a would be left alone"));
	assert_non_null(strstr(out.data, AT "21.000Z a would be left alone"));
}

/* The same id, another init: another container. */
static void test_container_that_is_started_again(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "init", 3, 2, 1, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 3.001, 1, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "task", 20, 2, 0, 0, 0, 2});
	(void)play(&recording, &set, &out);
	assert_null(strstr(out.data, AT "04"));
	assert_non_null(strstr(out.data, AT "18.000Z a is working"));
	assert_non_null(strstr(out.data, AT "21.000Z a would be asked"));
	assert_non_null(strstr(out.data, "init goproc[2]"));
}

static void test_what_is_not_recorded(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set), *second;
	struct policy_pair *pair;

	(void)state;
	assert_int_equal(policy_pairs_add(&policy->pairs[POLICY_LABEL], "app", &pair), 0);
	assert_int_equal(policy_globs_add(&pair->values, "batch"), 0);
	assert_int_equal(policy_set_add(&set, "q", &second), 0);
	second->has_match = true;
	assert_int_equal(policy_globs_add(&second->match[POLICY_RUNTIME], "runc"), 0);
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 0, 1});
	put_exit(&recording, (struct exits){"a", "helper", 30, 5, 0, 0, 0, 1});
	(void)play(&recording, &set, &out);
	assert_non_null(strstr(out.data, "a may be of policy p: its `label` matches or not"));
	assert_non_null(strstr(out.data, "policy q (match); not certain: a policy that comes first "
					 "may match, too\n"));
}

/* --- lines as the agent logs them --- */

static void put_log(struct buf *out, unsigned second, const char *event, const char *rest)
{
	buf_printf(
		out,
		"{\"time\":\"2026-11-24T10:00:%02u.000000000Z\",\"level\":\"debug\",\"event\":\"%s\","
		"\"container\":\"a\",%s}\n",
		second, event, rest);
}

#define NOBODY "\"tasks\":0,\"injected\":0"
#define ENDED  ",\"last_pid\":7,\"last_comm\":\"work\",\"last_exit_code\":0"

static void put_log_begin(struct buf *out)
{
	put_log(out, 1, "container", "\"runtime\":\"runc\",\"init\":\"goproc\",\"init_pid\":1");
	put_log(out, 1, "state",
		"\"from\":\"starting\",\"to\":\"working\",\"why\":\"task\",\"tasks\":1,\"injected\":0");
	put_log(out, 2, "state",
		"\"from\":\"working\",\"to\":\"settling\",\"why\":\"last_exit\"," NOBODY ENDED);
}

/* A task has come and gone while it settled: from there settle is counted. */
static void test_log_of_settling_again(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set);

	(void)state;
	policy->timing.settle_ns = 5 * NS_PER_SEC;
	policy->has_settle = true;
	put_log_begin(&recording);
	put_log(&recording, 5, "settle_again",
		"\"from\":\"settling\",\"to\":\"settling\",\"why\":\"last_exit\"," NOBODY ENDED);
	put_log(&recording, 30, "found", "\"x\":1");
	(void)play(&recording, &set, &out);
	assert_null(strstr(out.data, AT "07"));
	assert_non_null(strstr(out.data, AT "10.000Z a would be asked"));
}

/* Init has executed another program: the work before was its entrypoint's. */
static void test_log_of_an_exec(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	policies_init(&set)->timing.settle_ns = 5 * NS_PER_SEC;
	put_log_begin(&recording);
	put_log(&recording, 3, "exec",
		"\"runtime\":\"runc\",\"init\":\"server\",\"init_pid\":1,\"tasks\":0");
	put_log(&recording, 3, "state",
		"\"from\":\"settling\",\"to\":\"starting\",\"why\":\"exec\"," NOBODY);
	put_log(&recording, 30, "found", "\"x\":1");
	(void)play(&recording, &set, &out);
	assert_non_null(strstr(out.data, AT "03.000Z a is starting (exec)"));
	assert_null(strstr(out.data, "would be asked"));
}

/* The same, as tail has it. What it was before is still a name, and a placeholder goes by that. */
static void test_tail_of_an_exec(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "task", 2, 1, 0, 0, 0, 1});
	buf_puts(
		&recording,
		"{\"time\":\"2026-11-24T10:00:02.500000000Z\",\"event\":\"exec\",\"pid\":1,"
		"\"comm\":\"sleep\",\"role\":\"init\",\"tasks_left\":0,\"container\":{\"id\":\"a\","
		"\"name\":null,\"runtime\":\"runc\"},\"injected_left\":0,\"init\":{\"pid\":1,"
		"\"comm\":\"sleep\",\"argv0\":\"sleep\"}}\n");
	put_exit(&recording, (struct exits){"a", "task", 20, 10, 0, 0, 0, 0});
	put_exit(&recording, (struct exits){"a", "helper", 30, 1, 0, 0, 0, 0});
	check(&recording, &set,
	      AT "01.000" WORKS AT "02.000" LAST AT "02.500Z a is starting (exec)\n" AT
		 "10.000" WORKS AT "20.000" LAST AT "22.000" STOPS AT
		 "22.000Z a would be asked to end by SIGTERM, init sleep[1] (settle 2s after last "
		 "task work[7] exited with 0)" DEFINED "\n");
}

/* A last exit without its status: nobody has seen it, whatever the one before was. */
static void test_log_of_an_unseen_end(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	policies_init(&set)->status = POLICY_STATUS_TASK;
	put_log_begin(&recording);
	put_log(&recording, 2, "state",
		"\"from\":\"settling\",\"to\":\"working\",\"why\":\"task\",\"tasks\":1,\"injected\":0");
	put_log(&recording, 9, "state",
		"\"from\":\"working\",\"to\":\"settling\",\"why\":\"last_exit\"," NOBODY);
	put_log(&recording, 30, "found", "\"x\":1");
	(void)play(&recording, &set, &out);
	assert_non_null(strstr(out.data, "a would be made to exit with 255, init goproc[1] (settle "
					 "1s after a last task whose end was not seen)"));
}

/* While it was paused nobody is asked; then at the agent's own look. */
static void test_log_of_a_pause(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};

	(void)state;
	(void)policies_init(&set);
	put_log_begin(&recording);
	put_log(&recording, 4, "put_off", "\"reason\":\"it is paused\"");
	put_log(&recording, 9, "state",
		"\"from\":\"settling\",\"to\":\"stopping\",\"why\":\"empty\"," NOBODY);
	(void)play(&recording, &set, &out);
	assert_null(strstr(out.data, AT "03"));
	assert_non_null(strstr(out.data, AT "09.000Z a would be asked"));
	assert_null(strstr(out.data, "not certain"));
}

/* By the policies of now a visitor holds it, whatever the agent of then made of him. */
static void test_log_of_a_pause_with_a_visitor(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct policy *policy = policies_init(&set);

	(void)state;
	put_log_begin(&recording);
	put_log(&recording, 4, "put_off", "\"reason\":\"it is paused\"");
	put_log(&recording, 9, "state",
		"\"from\":\"settling\",\"to\":\"stopping\",\"why\":\"empty\","
		"\"tasks\":0,\"injected\":1");
	policy->injected_holds = true;
	(void)play(&recording, &set, &out);
	assert_null(strstr(out.data, "would be asked"));
	policy->injected_holds = false;
	buf_reset(&out);
	(void)play(&recording, &set, &out);
	assert_non_null(strstr(out.data, AT "09.000Z a would be asked"));
}

static void test_rubbish(void **state)
{
	_cleanup_(buf_done) struct buf recording = {0}, out = {0};
	_cleanup_(policy_set_done) struct policy_set set = {0};
	struct replay_totals totals;

	(void)state;
	(void)policies_init(&set);
	put_exit(&recording, (struct exits){"a", "task", 4, 2, 1, 0, 0, 1});
	buf_puts(&recording, "what is this?\n\n[1]\n");
	buf_append(&recording, "{\"a\0\"}\n", 7);
	for (int i = 0; i < 70 * 1024; i++)
		buf_putc(&recording, ' ');
	buf_puts(&recording,
		 "\n{\"time\":\"2026-11-24T10:00:04Z\",\"event\":\"of a later day\"}\n");
	put_exit(&recording, (struct exits){"a", "task", 3, 2, 0, 0, 0, 1});
	buf_puts(&recording, "{\"time\":\"2026-1");
	totals = play(&recording, &set, &out);
	assert_int_equal(totals.lines, 9);
	assert_int_equal(totals.events, 2);
	assert_int_equal(totals.strange, 6);
	assert_int_equal(totals.strange_number, 2);
	assert_string_equal(totals.strange_reason, "no JSON");
	assert_true(totals.is_cut);
	assert_int_equal(totals.backwards, 1);
	assert_int_equal(totals.backwards_ns, NS_PER_SEC);
	assert_non_null(strstr(out.data, AT "05.000Z a would be asked"));
}

/* --- recordings of real containers --- */

static void check_kept(const char *name, uint64_t settle_ns, unsigned asked, const char *said)
{
	_cleanup_(policy_set_done) struct policy_set set = {0};
	_cleanup_(buf_done) struct buf out = {0};
	struct policy *policy = policies_init(&set);
	struct replay_totals totals;
	char path[256];

	policy->timing.settle_ns = policy->restart_settle_ns = settle_ns;
	policy->has_settle = policy->has_restart_settle = true;
	assert_int_equal(policy_globs_add(&policy->match[POLICY_INIT], "supervisor"), 0);
	(void)snprintf(path, sizeof(path), FIXTURES "/replay/%s.jsonl", name);
	totals = play_file(fopen(path, "re"), &set, &out);
	assert_int_equal(totals.asked, asked);
	assert_int_equal(totals.strange, 0);
	assert_int_equal(totals.containers, 1);
	assert_non_null(strstr(out.data, said));
}

static void test_kept_recordings(void **state)
{
	(void)state;
	/* By tail: a task exits, and init is left. */
	check_kept("finish", 200 * NS_PER_MS, 1,
		   "2026-11-24T15:42:51.358Z web-1 would be asked to end by SIGTERM, init "
		   "goproc[3281] (settle 200ms after last task sh[3286] exited with 3)");
	check_kept("finish", NS_PER_SEC, 0,
		   "web-1 ended before it would be asked: init goproc[3281]");
	/* By an agent: a manager that starts its task again, six times. */
	check_kept("respawn", 3 * NS_PER_SEC, 0, "pm-1 is working (task)");
	check_kept("respawn", NS_PER_MS, 6, "init supervisor[3352] (settle 1ms after");
	/* By an agent: a visitor outlives the last task, then the container is paused. */
	check_kept("exec-and-pause", 500 * NS_PER_MS, 1,
		   "2026-11-24T15:42:53.509Z job-1 would be asked to end by SIGTERM, init "
		   "goproc[3406] (settle 500ms after last task sh[3411] exited with 3); policy p "
		   "(match)\n");
	check_kept("exec-and-pause", 30 * NS_PER_SEC, 1,
		   "2026-11-24T15:43:22.758Z job-1 would be asked");
	check_kept("exec-and-pause", 30 * NS_PER_SEC, 1,
		   "not certain: the agent that recorded it ended its init before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_exit),
		cmocka_unit_test(test_task_that_joins),
		cmocka_unit_test(test_task_that_seems_older),
		cmocka_unit_test(test_injected_process),
		cmocka_unit_test(test_restart_settle),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_container_that_is_started_again),
		cmocka_unit_test(test_what_is_not_recorded),
		cmocka_unit_test(test_log_of_settling_again),
		cmocka_unit_test(test_log_of_an_exec),
		cmocka_unit_test(test_tail_of_an_exec),
		cmocka_unit_test(test_log_of_an_unseen_end),
		cmocka_unit_test(test_log_of_a_pause),
		cmocka_unit_test(test_log_of_a_pause_with_a_visitor),
		cmocka_unit_test(test_rubbish),
		cmocka_unit_test(test_kept_recordings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
