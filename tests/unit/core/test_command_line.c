// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/command_line.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Arguments as one text, a blank between two. */
static struct command_line line_of(const char *text)
{
	struct command_line line;
	char bytes[512];
	size_t len = strlen(text) + 1;

	assert_true(len <= sizeof(bytes));
	memcpy(bytes, text, len);
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == ' ')
			bytes[i] = '\0';
	command_line_set(&line, bytes, len);
	return line;
}

static void test_arguments(void **state)
{
	struct command_line line = line_of("/bin/sh -c x");

	(void)state;
	assert_int_equal(line.answer, ANSWER_VALUE);
	assert_string_equal(command_line_argument(&line, 0), "/bin/sh");
	assert_string_equal(command_line_argument(&line, 2), "x");
	assert_null(command_line_argument(&line, 3));
	assert_string_equal(command_line_base_name(&line), "sh");
}

static void test_nothing(void **state)
{
	struct command_line line = {0};

	(void)state;
	assert_int_equal(line.answer, ANSWER_UNREADABLE);
	assert_null(command_line_argument(&line, 0));
	assert_string_equal(command_line_base_name(&line), "");
	assert_string_equal(command_line_program(&line), "");
	command_line_set(&line, "", 0);
	assert_int_equal(line.answer, ANSWER_NONE);
	assert_null(command_line_argument(&line, 0));
	/* A name, though an empty one. */
	command_line_set(&line, "", 1);
	assert_int_equal(line.answer, ANSWER_VALUE);
	assert_string_equal(command_line_argument(&line, 0), "");
}

static void test_added_one_by_one(void **state)
{
	struct command_line line = {0};
	char many[COMMAND_LINE_SIZE];

	(void)state;
	memset(many, 'm', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	command_line_add(&line, "python3");
	command_line_add(&line, "");
	command_line_add(&line, many);
	command_line_add(&line, "more");
	assert_string_equal(command_line_argument(&line, 0), "python3");
	assert_string_equal(command_line_argument(&line, 1), "");
	assert_null(command_line_argument(&line, 2));
	assert_null(command_line_argument(&line, 3));
	assert_true(line.is_cut);
	/* One that fits to the last byte is whole. */
	line = (struct command_line){0};
	command_line_add(&line, many);
	assert_false(line.is_cut);
	assert_string_equal(command_line_argument(&line, 0), many);
	command_line_add(&line, "");
	assert_true(line.is_cut);
	assert_string_equal(command_line_argument(&line, 0), many);
	assert_null(command_line_argument(&line, 1));
}

static void test_program(void **state)
{
	static const struct {
		const char *line, *program;
	} cases[] = {
		{"/usr/local/bin/goproc run", "goproc"},
		{"supervisord -n", "supervisord"},
		{"/usr/bin/python3 /usr/bin/supervisord -n", "supervisord"},
		{"python3 train.py --model sh", "train.py"},
		{"/venv/bin/python3.11 -u -W ignore -Xdev /app/train.py", "train.py"},
		{"python -um http.server 80", "http.server"},
		{"python3 -mhttp.server", "http.server"},
		{"python3 -Im celery worker", "celery"},
		{"pypy3 x.py", "x.py"},
		/* Code on the command line or on standard input has no name. */
		{"python3 -c import,time", ""},
		{"python3 -Bc x y.py", ""},
		{"python3", ""},
		{"python3 -", ""},
		{"python3 -m", ""},
		/* No interpreter, in spite of how its name begins. */
		{"pythonista x.py", "pythonista"},
		{"nodemon x.js", "nodemon"},
		{"shed x", "shed"},
		{"node /usr/lib/node_modules/pm2/bin/pm2-runtime start a.js", "pm2-runtime"},
		{"node --require dotenv/config --max-old-space-size=4096 server.js", "server.js"},
		{"nodejs -r esm app.js", "app.js"},
		{"node -e 1", ""},
		{"node --eval 1", ""},
		{"bun run index.ts", "index.ts"},
		{"ruby -rset -I lib bin/puma -p 80", "puma"},
		{"ruby3.1 -e 1", ""},
		{"perl -w -Mstrict /usr/bin/x.pl", "x.pl"},
		{"php -d memory_limit=-1 artisan queue:work", "artisan"},
		{"php -f /a/b.php", "b.php"},
		{"php -S 0.0.0.0:80", ""},
		{"java -Xmx1g -cp /a:/b com.example.Main x", "com.example.Main"},
		{"java -jar /app/app.jar", "app.jar"},
		{"dotnet exec /app/a.dll", "a.dll"},
		{"sh -c sleep", ""},
		{"bash -ec sleep", ""},
		{"-bash", ""},
		{"bash", ""},
		{"/bin/sh /entrypoint.sh sh", "entrypoint.sh"},
		{"bash -o pipefail -x run.sh", "run.sh"},
		{"bash +x -- -run.sh", "-run.sh"},
		{"bash --norc --rcfile a run.sh", "run.sh"},
		{"busybox sh -c x", ""},
		{"/bin/busybox sh /a/b.sh", "b.sh"},
		{"busybox init", "init"},
		{"busybox", "busybox"},
		{"nginx:", "nginx:"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct command_line line = line_of(cases[i].line);
		const char *program = command_line_program(&line);

		if (strcmp(program, cases[i].program) != 0)
			fail_msg("'%s': '%s', not '%s'", cases[i].line, program, cases[i].program);
	}
}

/* A script whose name was cut could be any. */
static void test_program_that_was_cut(void **state)
{
	struct command_line line = {0};
	char path[COMMAND_LINE_SIZE];

	(void)state;
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	command_line_add(&line, "python3");
	command_line_add(&line, path);
	assert_string_equal(command_line_program(&line), "");
	assert_string_equal(command_line_base_name(&line), "python3");
	assert_true(command_line_is_unread(&line));
	/* Code that was cut has no name in any case. */
	line = (struct command_line){0};
	assert_true(command_line_is_unread(&line));
	command_line_add(&line, "bash");
	command_line_add(&line, "-c");
	command_line_add(&line, path);
	assert_true(line.is_cut);
	assert_string_equal(command_line_program(&line), "");
	assert_false(command_line_is_unread(&line));
	line = line_of("goproc");
	command_line_add(&line, path);
	assert_false(command_line_is_unread(&line));
	line = line_of("python3 -m");
	command_line_add(&line, path);
	assert_true(command_line_is_unread(&line));
}

static void test_interpreters(void **state)
{
	(void)state;
	assert_int_equal(command_line_interpreter("python3"), INTERPRETER_LANGUAGE);
	assert_int_equal(command_line_interpreter("perl5.36-x86_64-linux-gnu"),
			 INTERPRETER_LANGUAGE);
	assert_int_equal(command_line_interpreter("-bash"), INTERPRETER_SHELL);
	assert_int_equal(command_line_interpreter("sh"), INTERPRETER_SHELL);
	assert_int_equal(command_line_interpreter("goproc"), INTERPRETER_NONE);
	assert_int_equal(command_line_interpreter("train.py"), INTERPRETER_NONE);
	assert_int_equal(command_line_interpreter(""), INTERPRETER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_added_one_by_one),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_program_that_was_cut),
		cmocka_unit_test(test_interpreters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
