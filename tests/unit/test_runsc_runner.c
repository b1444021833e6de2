// SPDX-License-Identifier: Apache-2.0
/* With this test in the place of runsc: started under that name it tells what it was given. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/runsc_child.h"

enum { PATIENCE_MS = 10000 };

extern char **environ;

static char own_path[PATH_MAX];

/* --- as runsc --- */

static int be_runsc(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[4], "endless") == 0)
		for (;;)
			pause();
	for (int i = 1; i < argc; i++)
		(void)fprintf(stderr, "%s ", argv[i]);
	(void)fprintf(stderr, "%s environment,%s descriptors", environ[0] ? "an" : "no",
		      fcntl(3, F_GETFD) < 0 ? " no" : "");
	return argc == 6 && strcmp(argv[4], "absent") == 0 ? 128 : 0;
}

/* --- as the agent --- */

static struct runsc_runner *start(const char *program)
{
	static const char *programs[2];
	struct runsc_runner *runner;
	struct error error;

	programs[0] = program;
	assert_int_equal(runsc_runner_start(programs, &runner, &error), 0);
	return runner;
}

static struct runsc_result await_result(struct runsc_runner *runner)
{
	struct pollfd fd = {.fd = runsc_runner_fd(runner), .events = POLLIN};
	struct runsc_result result;

	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	assert_int_equal(runsc_runner_read(runner, &result), 0);
	return result;
}

static struct runsc_result ask(const char *program, const char *id)
{
	struct runsc_runner *runner = start(program);
	struct runsc_result result;
	uint64_t number;

	assert_int_equal(runsc_runner_kill(runner, "/run/runsc", id, SIGTERM, &number), 0);
	result = await_result(runner);
	assert_int_equal(result.number, number);
	runsc_runner_free(runner);
	return result;
}

static void test_arguments(void **state)
{
	struct runsc_result result;

	(void)state;
	(void)setenv("LASTOUT_TEST", "1", 1);
	result = ask(own_path, "batch-1");
	assert_int_equal(result.err, 0);
	assert_string_equal(result.text,
			    "--root /run/runsc kill batch-1 15 no environment, no descriptors");
}

static void test_failure(void **state)
{
	struct runsc_result result;

	(void)state;
	result = ask(own_path, "absent");
	assert_int_equal(result.err, -EIO);
	assert_string_equal(result.text,
			    "--root /run/runsc kill absent 15 no environment, no descriptors");
}

static void test_no_program(void **state)
{
	(void)state;
	assert_int_equal(ask("/nonexistent/runsc", "batch-1").err, -ENOENT);
}

/* What others may write to is not run. */
static void test_untrusted_program(void **state)
{
	char path[] = "/tmp/lastout-runsc-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0722), 0);
	(void)close(fd);
	assert_int_equal(ask(path, "batch-1").err, -ENOENT);
	(void)unlink(path);
}

static void test_limit(void **state)
{
	(void)state;
	assert_int_equal(ask(own_path, "endless").err, -ETIMEDOUT);
}

static void test_one_after_the_other(void **state)
{
	struct runsc_runner *runner = start(own_path);
	uint64_t number;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(runsc_runner_kill(runner, "/r", "a", SIGKILL, &number), 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(await_result(runner).number, i);
	runsc_runner_free(runner);
}

/* While a runsc hangs, too: nothing waits for it. */
static void test_end(void **state)
{
	struct runsc_runner *runner = start(own_path);
	uint64_t number;

	(void)state;
	assert_int_equal(runsc_runner_kill(runner, "/r", "endless", SIGKILL, &number), 0);
	runsc_runner_free(runner);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_refused(void **state)
{
	static const struct {
		const char *root, *id;
		int signal;
	} rows[] = {
		{"", "a", 15},		{"run/runsc", "a", 15}, {"--debug", "a", 15},
		{"/run/../x", "a", 15}, {"/r", "", 15},		{"/r", "--all", 15},
		{"/r", "a b", 15},	{"/r", "a/b", 15},	{"/r", "a\nb", 15},
		{"/r", "a", 0},		{"/r", "a", -1},	{"/r", "a", 65},
	};
	struct runsc_runner *runner = start(own_path);
	struct runsc_result result;
	char long_id[RUNSC_ID_SIZE + 1] = "";
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(runsc_runner_kill(runner, rows[i].root, rows[i].id, rows[i].signal,
						   &number),
				 -EINVAL);
	memset(long_id, 'a', sizeof(long_id) - 1);
	assert_int_equal(runsc_runner_kill(runner, "/r", long_id, 15, &number), -EINVAL);
	assert_int_equal(number, 7);
	assert_int_equal(runsc_runner_read(runner, &result), -EAGAIN);
	runsc_runner_free(runner);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),  cmocka_unit_test(test_failure),
		cmocka_unit_test(test_no_program), cmocka_unit_test(test_untrusted_program),
		cmocka_unit_test(test_limit),	   cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_end),	   cmocka_unit_test(test_refused),
	};

	if (strcmp(argv[0], "runsc") == 0)
		return be_runsc(argc, argv);
	if (readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
