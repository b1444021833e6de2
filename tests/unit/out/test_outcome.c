// SPDX-License-Identifier: Apache-2.0
/* The end of a container, as JSON and as a line of text. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/event_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As wait4 gives them. */
#define EXITED(code)   ((code) << 8)
#define WITH_CORE(sig) ((sig) | 0x80)

/* In the place of libc's: 2026-11-23T03:17:05.123456789Z, 1000 s after boot. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	*ret_now = clock == CLOCK_REALTIME ? (struct timespec){1795403825, 123456789} :
					     (struct timespec){1000, 0};
	return 0;
}

#define INIT                                                 \
	{                                                    \
		.pid = 4001, .start_ns = 1, .comm = "goproc" \
	}

static struct container container(void)
{
	return (struct container){
		.identity = {RUNTIME_RUNC, "web", ""},
		.init = INIT,
		.last_task = {.process = {.pid = 4711, .start_ns = 2, .comm = "python3"},
			      .status = EXITED(3),
			      .time_ns = 3,
			      .is_known = true},
		.init_exit = {.process = INIT, .status = SIGTERM, .time_ns = 4, .is_known = true},
	};
}

static struct outcome outcome(const struct container *container, enum outcome_how how)
{
	return (struct outcome){
		.container = container,
		.policy = "options",
		.how = how,
		.time_ns = 995 * NS_PER_SEC,
		.settle_ns = 1500 * NS_PER_MS,
		.latency_ns = 2500123999,
		.has_latency = true,
	};
}

#define CONTAINER                                                                          \
	"\"container\":{\"id\":\"web\",\"name\":null,\"runtime\":\"runc\",\"image\":null," \
	"\"pod\":null,\"namespace\":null,\"pod_uid\":null}"
#define OUTCOME_HEAD \
	"{\"time\":\"2026-11-23T03:17:00.123456789Z\",\"event\":\"finished\"," CONTAINER ","
#define LAST_TASK \
	"\"last_task\":{\"pid\":4711,\"comm\":\"python3\",\"exit_code\":3,\"signal\":null},"

static void check_json(const struct outcome *outcome, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};

	event_json_outcome(&out, outcome);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, strlen(expected));
}

static void test_json_of_every_how(void **state)
{
	static const struct {
		enum outcome_how how;
		const char *name;
	} hows[] = {
		{OUTCOME_SELF, "self"},	    {OUTCOME_SIGNAL, "signal"},	  {OUTCOME_KILL, "kill"},
		{OUTCOME_STATUS, "status"}, {OUTCOME_DRY_RUN, "dry_run"},
	};
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SIGNAL);

	(void)state;
	for (size_t i = 0; i < COUNT(hows); i++) {
		char expected[1024];

		o.how = hows[i].how;
		assert_string_equal(outcome_how_name(hows[i].how), hows[i].name);
		(void)snprintf(
			expected, sizeof(expected), "%s\"policy\":\"options\",\"how\":\"%s\",%s",
			OUTCOME_HEAD, hows[i].name,
			LAST_TASK
			"\"init\":{\"pid\":4001,\"comm\":\"goproc\","
			"\"exit_code\":null,\"signal\":\"SIGTERM\"},"
			"\"settle_s\":1.500,\"latency_us\":2500123,\"ordered\":false,\"status_fallback\":null,\"status_unknown\":false}\n");
		check_json(&o, expected);
	}
}

static void test_json_with_little_known(void **state)
{
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SIGNAL);

	(void)state;
	ended.last_task.is_known = false;
	ended.init_exit.is_known = false;
	o.how = OUTCOME_DRY_RUN;
	o.is_unseen = true;
	o.has_latency = false;
	o.settle_ns = 0;
	check_json(
		&o, OUTCOME_HEAD
		"\"policy\":\"options\",\"how\":\"dry_run\",\"last_task\":null,"
		"\"init\":{\"pid\":4001,\"comm\":\"goproc\",\"exit_code\":null,"
		"\"signal\":null},\"settle_s\":0.000,\"latency_us\":null,\"ordered\":false,\"status_fallback\":null,\"status_unknown\":true}\n");
}

static void test_json_with_hostile_names(void **state)
{
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SIGNAL);

	(void)state;
	(void)strcpy(ended.last_task.process.comm, "\x1b]0;\"\n\xff");
	ended.last_task.status = WITH_CORE(SIGABRT);
	(void)strcpy(ended.init_exit.process.comm, "\"},\"how\":\"self\"");
	ended.init_exit.status = EXITED(0);
	o.policy = "a \"b\"";
	check_json(
		&o, OUTCOME_HEAD
		"\"policy\":\"a \\\"b\\\"\",\"how\":\"signal\","
		"\"last_task\":{\"pid\":4711,\"comm\":\"\\u001b]0;\\\"\\n\\ufffd\","
		"\"exit_code\":null,\"signal\":\"SIGABRT\"},"
		"\"init\":{\"pid\":4001,\"comm\":\"\\\"},\\\"how\\\":\\\"self\\\"\","
		"\"exit_code\":0,\"signal\":null},\"settle_s\":1.500,"
		"\"latency_us\":2500123,\"ordered\":false,\"status_fallback\":null,\"status_unknown\":false}\n");
}

static void check_text(const struct outcome *outcome, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};

	text_put_outcome(&out, outcome);
	assert_string_equal(out.data, expected);
}

/* systemd stamps each line itself, and takes its priority from the front. */
static void test_text_for_the_journal(void **state)
{
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SIGNAL);
	_cleanup_(buf_done) struct buf plain = {0}, out = {0};

	(void)state;
	text_put_outcome(&plain, &o);
	text_put_outcome_for_journal(&out, &o);
	assert_memory_equal(out.data, "<6>finished web ", 16);
	assert_string_equal(out.data + 3, strchr(plain.data, ' ') + 1);
}

static void test_text_of_every_how(void **state)
{
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SIGNAL);

	(void)state;
	check_text(
		&o,
		"08:47:00.123 finished web (runc, policy options): goproc[4001] ended when asked "
		"to (SIGTERM); last task python3[4711] exited with 3, first signal 2.5s later\n");
	o.how = OUTCOME_KILL;
	ended.init_exit.status = SIGKILL;
	ended.last_task.status = WITH_CORE(SIGSEGV);
	check_text(
		&o,
		"08:47:00.123 finished web (runc, policy options): goproc[4001] had to be killed "
		"(SIGKILL); last task python3[4711] was killed by SIGSEGV (core), first signal "
		"2.5s later\n");
	o.how = OUTCOME_STATUS;
	ended.init_exit.status = EXITED(3);
	ended.last_task.status = EXITED(3);
	check_text(
		&o,
		"08:47:00.123 finished web (runc, policy options): goproc[4001] ended by exit "
		"status (code 3); last task python3[4711] exited with 3, first signal 2.5s later\n");
	o.how = OUTCOME_SELF;
	o.has_latency = false;
	ended.init_exit.status = 0;
	ended.last_task.status = 0;
	check_text(&o,
		   "08:47:00.123 finished web (runc, policy options): goproc[4001] ended by itself "
		   "(0); last task python3[4711] exited with 0\n");
	o.how = OUTCOME_DRY_RUN;
	ended.init_exit.is_known = false;
	ended.last_task.is_known = false;
	check_text(&o,
		   "08:47:00.123 finished web (runc, policy options): goproc[4001] would be asked "
		   "to end now (dry run)\n");
}

static void test_text_with_hostile_names(void **state)
{
	struct container ended = container();
	struct outcome o = outcome(&ended, OUTCOME_SELF);

	(void)state;
	(void)strcpy(ended.identity.id, "a\nb");
	(void)strcpy(ended.init.comm, "\x1b[31m\r\xff");
	(void)strcpy(ended.last_task.process.comm, "x\ny\\\xe2\x80\xae");
	check_text(
		&o,
		"08:47:00.123 finished a\\nb (runc, policy options): \\x1b[31m\\r\\xff[4001] "
		"ended by itself (SIGTERM); last task x\\ny\\\\\\xe2\\x80\\xae[4711] exited with "
		"3, first signal 2.5s later\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_of_every_how),
		cmocka_unit_test(test_json_with_little_known),
		cmocka_unit_test(test_json_with_hostile_names),
		cmocka_unit_test(test_text_for_the_journal),
		cmocka_unit_test(test_text_of_every_how),
		cmocka_unit_test(test_text_with_hostile_names),
	};

	/* Without a time zone database: five and a half hours east. */
	(void)setenv("TZ", "TEST-5:30", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
