// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/exit_status.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_text(void **state)
{
	static const struct {
		const char *text;
		int status;
		int code, sig;
		bool has_core;
	} cases[] = {
		{"0", 0x0000, 0, 0, false},
		{"code 1", 0x0100, 1, 0, false},
		{"code 137", 0x8900, 137, 0, false},
		{"code 255", 0xff00, 255, 0, false},
		{"SIGKILL", 0x0009, -1, 9, false},
		{"SIGTERM", 0x000f, -1, 15, false},
		{"SIGSEGV", 0x000b, -1, 11, false},
		{"SIGSEGV (core)", 0x008b, -1, 11, true},
		{"SIGABRT (core)", 0x0086, -1, 6, true},
		{"SIGSYS", 0x001f, -1, 31, false},
		{"SIG32", 0x0020, -1, 32, false},
		{"SIGRTMIN", 0x0022, -1, 34, false},
		{"SIGRTMIN+3", 0x0025, -1, 37, false},
		{"SIGRTMIN+30", 0x0040, -1, 64, false},
		{"SIGRTMIN+30 (core)", 0x00c0, -1, 64, true},
		/* no signal, so no core either: not from any kernel, but not nonsense either */
		{"code 1", 0x0180, 1, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[EXIT_STATUS_TEXT_SIZE];

		exit_status_text(cases[i].status, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(exit_status_code(cases[i].status), cases[i].code);
		assert_int_equal(exit_status_signal(cases[i].status), cases[i].sig);
		assert_int_equal(exit_status_core(cases[i].status), cases[i].has_core);
	}
}

/* All statuses there are, against libc's macros. */
static void test_agrees_with_libc(void **state)
{
	(void)state;
	for (int code = 0; code <= 255; code++) {
		int status = code << 8;

		assert_true(WIFEXITED(status));
		assert_int_equal(exit_status_code(status), WEXITSTATUS(status));
		assert_int_equal(exit_status_signal(status), 0);
	}
	for (int sig = 1; sig <= 64; sig++)
		for (int core = 0; core <= 0x80; core += 0x80) {
			int status = sig | core;

			assert_true(WIFSIGNALED(status));
			assert_int_equal(exit_status_signal(status), WTERMSIG(status));
			assert_int_equal(exit_status_core(status), !!WCOREDUMP(status));
			assert_int_equal(exit_status_code(status), -1);
		}
}

static void test_of_a_real_process(void **state)
{
	struct rlimit no_core = {0};
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(exit_status_signal(status), SIGKILL);
	assert_int_equal(exit_status_code(status), -1);
	assert_false(exit_status_core(status));
}

static void test_names_agree_with_the_system(void **state)
{
	static const struct {
		int sig;
		const char *name;
	} system[] = {
		{SIGHUP, "SIGHUP"},	  {SIGINT, "SIGINT"},	    {SIGQUIT, "SIGQUIT"},
		{SIGILL, "SIGILL"},	  {SIGTRAP, "SIGTRAP"},	    {SIGABRT, "SIGABRT"},
		{SIGBUS, "SIGBUS"},	  {SIGFPE, "SIGFPE"},	    {SIGKILL, "SIGKILL"},
		{SIGUSR1, "SIGUSR1"},	  {SIGSEGV, "SIGSEGV"},	    {SIGUSR2, "SIGUSR2"},
		{SIGPIPE, "SIGPIPE"},	  {SIGALRM, "SIGALRM"},	    {SIGTERM, "SIGTERM"},
		{SIGSTKFLT, "SIGSTKFLT"}, {SIGCHLD, "SIGCHLD"},	    {SIGCONT, "SIGCONT"},
		{SIGSTOP, "SIGSTOP"},	  {SIGTSTP, "SIGTSTP"},	    {SIGTTIN, "SIGTTIN"},
		{SIGTTOU, "SIGTTOU"},	  {SIGURG, "SIGURG"},	    {SIGXCPU, "SIGXCPU"},
		{SIGXFSZ, "SIGXFSZ"},	  {SIGVTALRM, "SIGVTALRM"}, {SIGPROF, "SIGPROF"},
		{SIGWINCH, "SIGWINCH"},	  {SIGIO, "SIGIO"},	    {SIGPWR, "SIGPWR"},
		{SIGSYS, "SIGSYS"},
	};

	(void)state;
	assert_int_equal(COUNT(system), 31);
	for (size_t i = 0; i < COUNT(system); i++) {
		char name[EXIT_STATUS_TEXT_SIZE];

		signal_name(system[i].sig, name, sizeof(name));
		assert_string_equal(name, system[i].name);
	}
}

static void test_numbers_without_a_name(void **state)
{
	static const int numbers[] = {0, 32, 33, 65, 127, -1};
	static const char *const expected[] = {"SIG0",	"SIG32",  "SIG33",
					       "SIG65", "SIG127", "SIG-1"};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		char name[EXIT_STATUS_TEXT_SIZE];

		signal_name(numbers[i], name, sizeof(name));
		assert_string_equal(name, expected[i]);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int sig;
	} cases[] = {
		{"TERM", 15},
		{"SIGTERM", 15},
		{"term", 15},
		{"SigTerm", 15},
		{"15", 15},
		{"SIG15", 15},
		{"9", 9},
		{"KILL", 9},
		{"HUP", 1},
		{"SYS", 31},
		{"IOT", 6},
		{"SIGCLD", 17},
		{"POLL", 29},
		{"RTMIN", 34},
		{"SIGRTMIN", 34},
		{"RTMIN+0", 34},
		{"RTMIN+3", 37},
		{"sigrtmin+3", 37},
		{"RTMIN+30", 64},
		{"RTMAX", 64},
		{"RTMAX-0", 64},
		{"RTMAX-1", 63},
		{"SIGRTMAX-30", 34},
		{"1", 1},
		{"64", 64},
		{"32", 32},
		{"", -EINVAL},
		{"SIG", -EINVAL},
		{"0", -EINVAL},
		{"SIG0", -EINVAL},
		{"65", -EINVAL},
		{"-9", -EINVAL},
		{"+9", -EINVAL},
		{" 9", -EINVAL},
		{"9 ", -EINVAL},
		{"9x", -EINVAL},
		{"0x9", -EINVAL},
		{"FOO", -EINVAL},
		{"TERMS", -EINVAL},
		{"TER", -EINVAL},
		{"SIGSIGTERM", -EINVAL},
		{"RTMIN+", -EINVAL},
		{"RTMIN+31", -EINVAL},
		{"RTMIN-1", -EINVAL},
		{"RTMIN+-1", -EINVAL},
		{"RTMIN3", -EINVAL},
		{"RTMAX+1", -EINVAL},
		{"RTMAX-31", -EINVAL},
		{"RTMAX-99999999999999999999", -EINVAL},
		{"99999999999999999999", -EINVAL},
		{"4294967305", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (signal_parse(cases[i].text) != cases[i].sig)
			fail_msg("'%s' gave %d", cases[i].text, signal_parse(cases[i].text));
}

static void test_every_name_reads_back(void **state)
{
	(void)state;
	for (int sig = 1; sig <= 64; sig++) {
		char name[EXIT_STATUS_TEXT_SIZE];

		signal_name(sig, name, sizeof(name));
		assert_int_equal(signal_parse(name), sig);
	}
}

static void test_text_is_cut_to_size(void **state)
{
	char text[8] = "zzzzzzz";

	(void)state;
	exit_status_text(0x8b, text, sizeof(text));
	assert_string_equal(text, "SIGSEGV");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_agrees_with_libc),
		cmocka_unit_test(test_of_a_real_process),
		cmocka_unit_test(test_names_agree_with_the_system),
		cmocka_unit_test(test_numbers_without_a_name),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_every_name_reads_back),
		cmocka_unit_test(test_text_is_cut_to_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
