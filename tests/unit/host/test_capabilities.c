// SPDX-License-Identifier: Apache-2.0
/* In children, because what is given up is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/capabilities.h"

static void assert_text(uint64_t set, const char *text)
{
	char put[CAPABILITIES_TEXT_SIZE];

	capabilities_put(set, put, sizeof(put));
	assert_string_equal(put, text);
}

static unsigned told_to_syslog;

/* libcap-ng's calls come here, instead of to the C library. */
void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)priority;
	(void)flag;
	(void)format;
	told_to_syslog++;
}

static void test_text(void **state)
{
	char small[8];

	(void)state;
	assert_text(0, "none");
	assert_text(CAPABILITY(SYS_PTRACE) | CAPABILITY(KILL), "kill,sys_ptrace");
	assert_text(CAPABILITY(BPF), "bpf");
	capabilities_put(CAPABILITY(KILL) | CAPABILITY(SYS_PTRACE), small, sizeof(small));
	assert_string_equal(small, "kill,sy");
}

/* All of them fit, with room to spare. */
static void test_all(void **state)
{
	char put[CAPABILITIES_TEXT_SIZE];

	(void)state;
	capabilities_put(UINT64_MAX, put, sizeof(put));
	assert_true(strlen(put) < sizeof(put) - 1);
	assert_non_null(strstr(put, "checkpoint_restore"));
}

/* Exits with 0 if `kept` is what is left of what it had. */
static int give_up(uint64_t kept)
{
	uint64_t had = capabilities_read();

	if (capabilities_keep(kept, kept) < 0 || capabilities_gain_none() < 0)
		return 1;
	if (capabilities_read() != (had & kept))
		return 2;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
}

static void test_kept(void **state)
{
	static const uint64_t rows[] = {0, CAPABILITY(KILL), CAPABILITY(KILL) | CAPABILITY(BPF)};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;
		pid_t child = fork();

		if (child == 0)
			_exit(give_up(rows[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

/* Exits with 0 if it does so without a word to syslog. */
static int give_up_unbounded(void)
{
	uint64_t all = ~CAPABILITY(SETPCAP);

	/* Twice: the second time CAP_SETPCAP is gone. */
	if (capabilities_keep(all, all) < 0 || capabilities_keep(0, 0) < 0)
		return 1;
	if (capabilities_read() != 0)
		return 2;
	return told_to_syslog ? 3 : 0;
}

static void test_without_setpcap(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(give_up_unbounded());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_without_setpcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
