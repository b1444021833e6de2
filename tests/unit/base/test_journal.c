// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/journal.h"
#include "base/log.h"

struct pipe_ends {
	int out, in;
};

static struct pipe_ends make_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	return (struct pipe_ends){ends[0], ends[1]};
}

/* As systemd tells a service. */
static void set_stream(int fd, const char *behind)
{
	struct stat stat;
	char text[64];

	assert_int_equal(fstat(fd, &stat), 0);
	(void)snprintf(text, sizeof(text), "%llu:%llu%s", (unsigned long long)stat.st_dev,
		       (unsigned long long)stat.st_ino, behind);
	assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
}

static void test_stream(void **state)
{
	struct pipe_ends journal = make_pipe(), other = make_pipe();

	(void)state;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_false(journal_has(journal.in));
	set_stream(journal.in, "");
	assert_true(journal_has(journal.in));
	assert_false(journal_has(other.in));
	assert_false(journal_has(-1));
	set_stream(journal.in, "x");
	assert_false(journal_has(journal.in));
	assert_int_equal(setenv("JOURNAL_STREAM", "", 1), 0);
	assert_false(journal_has(journal.in));
	(void)close(journal.in);
	(void)close(journal.out);
	(void)close(other.in);
	(void)close(other.out);
}

/* What stderr gets of one line at each level. */
static void assert_logged(bool is_json, bool is_journal, const char *expected[4])
{
	struct pipe_ends ends = make_pipe();
	_cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	char text[2048] = "", *line = text;

	if (is_journal)
		set_stream(ends.in, "");
	else
		assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_true(dup2(ends.in, STDERR_FILENO) >= 0);
	log_setup(is_json, LOG_LEVEL_DEBUG);
	for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++)
		log_message((enum log_level)level, "event", "a message");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_true(read(ends.out, text, sizeof(text) - 1) > 0);
	for (int i = 0; i < 4; i++) {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		assert_non_null(strstr(line, expected[i]));
		if (is_journal && !is_json)
			assert_string_equal(line, expected[i]);
		line = end + 1;
	}
	(void)close(ends.in);
	(void)close(ends.out);
	log_setup(false, LOG_LEVEL_INFO);
}

static void test_priorities(void **state)
{
	const char *expected[] = {"<7>a message", "<6>a message", "<4>a message", "<3>a message"};

	(void)state;
	assert_logged(false, true, expected);
}

static void test_elsewhere(void **state)
{
	const char *expected[] = {" debug a message", " info  a message", " warn  a message",
				  " error a message"};

	(void)state;
	assert_logged(false, false, expected);
}

/* Whoever reads JSON from the journal gets what is read from a file. */
static void test_json(void **state)
{
	const char *expected[] = {"\",\"level\":\"debug\",", "\",\"level\":\"info\",",
				  "\",\"level\":\"warn\",", "\",\"level\":\"error\","};

	(void)state;
	assert_logged(true, true, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
