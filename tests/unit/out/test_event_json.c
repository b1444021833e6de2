// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "out/event_json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ID  "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"
#define UID "57e67067-89e4-4001-bdd4-8632d39ea02b"

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

/* Of a process that lived for 2.5 s until 5 s ago. */
static struct record_exit exit_record(void)
{
	struct record_exit record = {
		.head = {.kind = RECORD_EXIT, .size = sizeof(record), .time_ns = 995 * NS_PER_SEC},
		.start_ns = 995 * NS_PER_SEC - 2500 * NS_PER_MS,
		.user_ns = 30 * NS_PER_MS,
		.system_ns = 10 * NS_PER_MS,
		.runtime_ns = 36 * NS_PER_MS + 4000,
		.max_rss_pages = 8388608 / (uint64_t)sysconf(_SC_PAGESIZE),
		.pid = 4711,
		.tid = 4712,
		.parent_pid = 4001,
		.ns_pid = 7,
		.uid = 1000,
		.role = ROLE_TASK,
		.counts = {.tasks = 3, .helpers = 11, .injected = 12},
		.comm = "python3",
	};

	return record;
}

#define EXIT_HEAD "{\"time\":\"2026-11-23T03:17:00.123456789Z\",\"event\":\"exit\",\"pid\":4711,"
#define EXIT_WHO  "\"ppid\":4001,\"ns_pid\":7,\"uid\":1000,\"comm\":\"python3\","
#define EXIT_USE                                                                     \
	"\"duration_s\":2.500000,\"cpu_user_s\":0.027003,\"cpu_system_s\":0.009001," \
	"\"max_rss_bytes\":8388608,"
#define EXIT_NO_REST "\"injected_left\":null,\"init\":null}\n"
#define EXIT_HOST    "\"role\":\"host\",\"tasks_left\":null,\"container\":null," EXIT_NO_REST

static struct container container(void)
{
	return (struct container){
		.path = "/kubepods/pod" UID "/" ID,
		.identity = {RUNTIME_CONTAINERD, ID, UID},
	};
}

#define CONTAINER                                                                    \
	"\"container\":{\"id\":\"" ID "\",\"name\":null,\"runtime\":\"containerd\"," \
	"\"image\":null,\"pod\":null,\"namespace\":null,\"pod_uid\":\"" UID "\"}"

static void check_exit(const struct record_exit *record, const struct container *container,
		       const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};

	event_json_exit(&out, record, container);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, strlen(expected));
}

static void test_exit_on_the_host(void **state)
{
	struct record_exit record = exit_record();

	(void)state;
	/* Whatever the kernel side still has of a container that is not known: it is the host's. */
	record.status = EXITED(3);
	check_exit(
		&record, NULL,
		EXIT_HEAD EXIT_WHO
		"\"exit_code\":3,\"signal\":null,\"core_dumped\":false,\"oom_killed\":false," EXIT_USE
			EXIT_HOST);
}

static void test_exit_in_a_container(void **state)
{
	static const char *const roles[] = {
		[ROLE_HOST] = "host", [ROLE_RUNTIME] = "runtime", [ROLE_INIT] = "init",
		[ROLE_TASK] = "task", [ROLE_HELPER] = "helper",	  [ROLE_INJECTED] = "injected"};
	struct record_exit record = exit_record();
	struct container inside = container();

	(void)state;
	record.head.flags = EXIT_LAST | EXIT_EMPTY;
	inside.init = (struct process){.pid = 4001, .comm = "sh"};
	command_line_set(&inside.init_args, "/sbin/pm", 9);
	for (unsigned role = 0; role < COUNT(roles); role++) {
		char expected[1024];

		record.role = role;
		(void)snprintf(
			expected, sizeof(expected),
			"%s\"role\":\"%s\",\"tasks_left\":3,%s,\"injected_left\":12,"
			"\"init\":{\"pid\":4001,\"comm\":\"sh\",\"argv0\":\"/sbin/pm\",\"program\":\"pm\",\"leads_to\":null,\"manager\":null}}\n",
			EXIT_HEAD EXIT_WHO "\"exit_code\":0,\"signal\":null,\"core_dumped\":false,"
					   "\"oom_killed\":false," EXIT_USE,
			roles[role], CONTAINER);
		check_exit(&record, &inside, expected);
	}
}

static void test_container_without_a_pod(void **state)
{
	struct record_exit record = exit_record();
	struct container inside = container();

	(void)state;
	inside.identity = (struct identity){.id = "a\"b"};
	record.counts.tasks = 0;
	check_exit(
		&record, &inside,
		EXIT_HEAD EXIT_WHO
		"\"exit_code\":0,\"signal\":null,\"core_dumped\":false,\"oom_killed\":false," EXIT_USE
		"\"role\":\"task\",\"tasks_left\":0,"
		"\"container\":{\"id\":\"a\\\"b\",\"name\":null,\"runtime\":\"unknown\","
		"\"image\":null,\"pod\":null,\"namespace\":null,\"pod_uid\":null},\"injected_left\":12,\"init\":null}\n");
}

static void test_every_kind_of_status(void **state)
{
	static const struct {
		int status;
		unsigned flags;
		const char *text;
	} cases[] = {
		{EXITED(255), 0,
		 "\"exit_code\":255,\"signal\":null,\"core_dumped\":false,"
		 "\"oom_killed\":false,"},
		{SIGTERM, 0,
		 "\"exit_code\":null,\"signal\":\"SIGTERM\",\"core_dumped\":false,"
		 "\"oom_killed\":false,"},
		{SIGKILL, EXIT_OOM,
		 "\"exit_code\":null,\"signal\":\"SIGKILL\","
		 "\"core_dumped\":false,\"oom_killed\":true,"},
		{WITH_CORE(SIGSEGV), 0,
		 "\"exit_code\":null,\"signal\":\"SIGSEGV\","
		 "\"core_dumped\":true,\"oom_killed\":false,"},
		{37, 0,
		 "\"exit_code\":null,\"signal\":\"SIGRTMIN+3\",\"core_dumped\":false,"
		 "\"oom_killed\":false,"},
	};
	struct record_exit record = exit_record();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[1024];

		record.status = cases[i].status;
		record.head.flags = cases[i].flags;
		(void)snprintf(expected, sizeof(expected), "%s%s%s", EXIT_HEAD EXIT_WHO,
			       cases[i].text, EXIT_USE EXIT_HOST);
		check_exit(&record, NULL, expected);
	}
}

static void test_exit_of_a_thread(void **state)
{
	struct record_exit record = exit_record();

	(void)state;
	record.head.flags = EXIT_THREAD;
	check_exit(
		&record, NULL,
		"{\"time\":\"2026-11-23T03:17:00.123456789Z\",\"event\":\"thread_exit\","
		"\"pid\":4711,\"tid\":4712," EXIT_WHO
		"\"exit_code\":0,\"signal\":null,\"core_dumped\":false,\"oom_killed\":false," EXIT_USE
			EXIT_HOST);
}

static void test_hostile_command_names(void **state)
{
	static const struct {
		char comm[ABI_COMM_SIZE];
		const char *json;
	} cases[] = {
		{"\x1b[31m\"\\\n\xff\x7f", "\\u001b[31m\\\"\\\\\\n\\ufffd\\u007f"},
		{"\",\"pid\":1,\"x\":\"", "\\\",\\\"pid\\\":1,\\\"x\\\":\\\""},
		{"gr\xc3\xbc\xc3\x9f \xe2\x80\xae", "gr\xc3\xbc\xc3\x9f \\u202e"},
		/* without a NUL, and cut within a character */
		{{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
		  '\xc3'},
		 "abcdefghijklmno\\ufffd"},
		{"", ""},
	};
	struct record_exit record = exit_record();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[1024];

		memcpy(record.comm, cases[i].comm, sizeof(record.comm));
		(void)snprintf(expected, sizeof(expected),
			       EXIT_HEAD "\"ppid\":4001,\"ns_pid\":7,\"uid\":1000,\"comm\":\"%s\","
					 "\"exit_code\":0,\"signal\":null,\"core_dumped\":false,"
					 "\"oom_killed\":false," EXIT_USE EXIT_HOST,
			       cases[i].json);
		check_exit(&record, NULL, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_on_the_host),
		cmocka_unit_test(test_exit_in_a_container),
		cmocka_unit_test(test_container_without_a_pod),
		cmocka_unit_test(test_every_kind_of_status),
		cmocka_unit_test(test_exit_of_a_thread),
		cmocka_unit_test(test_hostile_command_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
