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
#include "out/event_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ID "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"

/* As wait4 gives them. */
#define EXITED(code)   ((code) << 8)
#define WITH_CORE(sig) ((sig) | 0x80)

/* In the place of libc's: 2026-11-23T03:17:05.123456789Z, 1000 s after boot, asleep for 400. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	*ret_now = clock == CLOCK_REALTIME  ? (struct timespec){1795403825, 123456789} :
		   clock == CLOCK_MONOTONIC ? (struct timespec){600, 0} :
					      (struct timespec){1000, 0};
	return 0;
}

static const struct table_style plain = {.time = CLOCK_KIND_UTC};
static const struct table_style coloured = {.time = CLOCK_KIND_UTC, .has_colour = true};
static const struct table_style mono = {.time = CLOCK_KIND_MONO};
static const struct table_style wide = {.time = CLOCK_KIND_UTC, .is_wide = true};

/* Of a process that lived for 2.5 s until 5 s ago. */
static struct record_exit exit_record(void)
{
	struct record_exit record = {
		.head.time_ns = 995 * NS_PER_SEC,
		.start_ns = 995 * NS_PER_SEC - 2500 * NS_PER_MS,
		.runtime_ns = 36 * NS_PER_MS,
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

static struct container container(const char *id)
{
	struct container container = {
		.identity = {.runtime = RUNTIME_RUNC},
	};

	(void)snprintf(container.identity.id, sizeof(container.identity.id), "%s", id);
	return container;
}

static void check_row(const struct table_style *style, const struct record_exit *record,
		      const struct container *container, const char *expected)
{
	_cleanup_(buf_done) struct buf out = {0};

	table_put_exit(&out, style, record, container);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, strlen(expected));
}

static void test_header(void **state)
{
	static const struct table_style wide_coloured = {.is_wide = true, .has_colour = true};
	static const char narrow[] =
		"TIME            CONTAINER        COMM                PID    PPID     AGE LEFT "
		"EXIT           VERDICT\n";
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	table_put_header(&out, &plain);
	assert_string_equal(out.data, narrow);
	assert_int_equal(out.len, 100 + 1); /* a terminal's width */
	buf_reset(&out);
	table_put_header(&out, &coloured);
	assert_string_equal(out.data, narrow);
	buf_reset(&out);
	table_put_header(&out, &wide_coloured);
	assert_string_equal(
		out.data,
		"TIME            CONTAINER        COMM                PID    PPID   NSPID    UID "
		"ROLE         AGE     CPU     RSS LEFT EXIT           VERDICT\n");
}

static void test_row_on_the_host(void **state)
{
	struct record_exit record = exit_record();

	(void)state;
	check_row(&plain, &record, NULL,
		  "03:17:00.123    -                python3            4711    4001    2.5s    - "
		  "0              -\n");
	check_row(&wide, &record, NULL,
		  "03:17:00.123    -                python3            4711    4001       7   1000 "
		  "host        2.5s    36ms    8.0M    - 0              -\n");
	check_row(&mono, &record, NULL,
		  "595.000000      -                python3            4711    4001    2.5s    - "
		  "0              -\n");
}

static void test_row_in_a_container(void **state)
{
	struct record_exit record = exit_record();
	struct container inside = container("web");

	(void)state;
	record.status = EXITED(3);
	check_row(&plain, &record, &inside,
		  "03:17:00.123    web              python3            4711    4001    2.5s    3 "
		  "code 3         -\n");
	check_row(&wide, &record, &inside,
		  "03:17:00.123    web              python3            4711    4001       7   1000 "
		  "task        2.5s    36ms    8.0M    3 code 3         -\n");
}

static void test_colour_is_the_status_alone(void **state)
{
	static const struct {
		int status;
		const char *plain, *coloured;
	} cases[] = {
		{0, "0              ", "\x1b[32m0\x1b[0m              "},
		{EXITED(1), "code 1         ", "\x1b[33mcode 1\x1b[0m         "},
		{SIGKILL, "SIGKILL        ", "\x1b[31mSIGKILL\x1b[0m        "},
		{WITH_CORE(SIGSEGV), "SIGSEGV (core) ", "\x1b[31mSIGSEGV (core)\x1b[0m "},
		/* wider than its column: nothing is cut */
		{WITH_CORE(37), "SIGRTMIN+3 (core) ", "\x1b[31mSIGRTMIN+3 (core)\x1b[0m "},
	};
	struct record_exit record = exit_record();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[256];

		record.status = cases[i].status;
		for (int is_coloured = 0; is_coloured < 2; is_coloured++) {
			(void)snprintf(
				expected, sizeof(expected),
				"03:17:00.123    -                python3            4711    "
				"4001    2.5s    - %s-\n",
				is_coloured ? cases[i].coloured : cases[i].plain);
			check_row(is_coloured ? &coloured : &plain, &record, NULL, expected);
		}
	}
}

/* And a thread by its own number. */
static void test_verdicts(void **state)
{
	static const struct {
		enum role role;
		unsigned flags;
		bool is_idle;
		const char *verdict;
	} cases[] = {
		{ROLE_TASK, 0, false, "-"},
		{ROLE_TASK, EXIT_LAST, false, "last"},
		{ROLE_TASK, EXIT_LAST | EXIT_EMPTY | EXIT_OOM, false, "last"},
		/* told before */
		{ROLE_TASK, EXIT_LAST, true, "-"},
		{ROLE_HELPER, 0, false, "-"},
		{ROLE_INIT, 0, false, "gone"},
		{ROLE_INIT, EXIT_LAST, true, "gone"},
		{ROLE_INIT, EXIT_THREAD, false, "thread"},
	};
	struct record_exit record = exit_record();
	struct container inside = container("web");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[256];

		record.role = cases[i].role;
		record.head.flags = cases[i].flags;
		inside.is_idle = cases[i].is_idle;
		(void)snprintf(expected, sizeof(expected),
			       "03:17:00.123    web              python3            %d    4001    "
			       "2.5s    3 0              %s\n",
			       cases[i].flags & EXIT_THREAD ? 4712 : 4711, cases[i].verdict);
		check_row(&plain, &record, &inside, expected);
	}
}

/* Outside containers, too, a thread must not look like its process. */
static void test_thread_of_host(void **state)
{
	struct record_exit record = exit_record();

	(void)state;
	record.head.flags = EXIT_THREAD;
	check_row(
		&plain, &record, NULL,
		"03:17:00.123    -                python3            4712    4001    2.5s    - 0   "
		"           thread\n");
}

static void test_memory(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *shown;
	} cases[] = {
		{0, "     0B"},
		{960 << 10, "   960K"},
		{1 << 20, "   1.0M"},
		{10 << 20, "    10M"},
		{UINT64_C(1536) << 20, "   1.5G"},
		{UINT64_C(1) << 40, "   1.0T"},
		{UINT64_C(2) << 50, "  2048T"},
	};
	struct record_exit record = exit_record();

	(void)state;
	record.pid = 123456;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[256];

		record.max_rss_pages = cases[i].bytes / (uint64_t)sysconf(_SC_PAGESIZE);
		(void)snprintf(expected, sizeof(expected),
			       "03:17:00.123    -                python3          123456    4001  "
			       "     7   1000 host        2.5s    36ms %s    - 0              -\n",
			       cases[i].shown);
		check_row(&wide, &record, NULL, expected);
	}
}

static void test_ids(void **state)
{
	static const struct {
		const struct table_style *style;
		const char *id, *shown;
	} cases[] = {
		{&plain, ID, "9687bac58d5c    "},
		{&wide, ID, ID},
		/* names that people chose, and what is not quite a generated one */
		{&plain, "a-name-that-is-longer-than-its-column",
		 "a-name-that-is-longer-than-its-column"},
		{&plain, ID "0", ID "0"},
		{&plain, "X687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869",
		 "X687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"},
		{&plain, "a\n\x1b[2Jb", "a\\n\\x1b[2Jb     "},
	};
	struct record_exit record = exit_record();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct container inside = container(cases[i].id);
		char expected[512];

		(void)snprintf(expected, sizeof(expected),
			       "03:17:00.123    %s python3            4711    4001 %s   3 0        "
			       "      -\n",
			       cases[i].shown,
			       cases[i].style->is_wide ?
				       "      7   1000 task        2.5s    36ms    8.0M " :
				       "   2.5s ");
		check_row(cases[i].style, &record, &inside, expected);
	}
}

static void test_hostile_command_names(void **state)
{
	static const struct {
		char comm[ABI_COMM_SIZE];
		const char *shown;
	} cases[] = {
		{"\x1b[31m\"\n\xff", "\\x1b[31m\"\\n\\xff"},
		{"a\tb\\", "a\\tb\\\\         "},
		/* padded by characters */
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f           "},
		{"", "               "},
		/* without a NUL */
		{{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'},
		 "abcdefghijklmnop"},
	};
	struct record_exit record = exit_record();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char expected[256];

		memcpy(record.comm, cases[i].comm, sizeof(record.comm));
		(void)snprintf(
			expected, sizeof(expected),
			"03:17:00.123    -                %s    4711    4001    2.5s    - 0  "
			"            -\n",
			cases[i].shown);
		check_row(&plain, &record, NULL, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_row_on_the_host),
		cmocka_unit_test(test_row_in_a_container),
		cmocka_unit_test(test_colour_is_the_status_alone),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_thread_of_host),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_hostile_command_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
