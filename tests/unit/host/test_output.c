// SPDX-License-Identifier: Apache-2.0
/* A stream whose reader is slow, stopped or gone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/output.h"

enum { MAX = 8192, PIPE_SIZE = 4096, ATTEMPTS = 100000 };

static struct output output;
static int ends[2]; /* read, write */

static int make_pipe(void **state)
{
	(void)state;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	return fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) < 0 ? -1 : 0;
}

static int make_sockets(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_both(void **state)
{
	(void)state;
	output_done(&output);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

static int put_line(unsigned number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "this is line number %08u\n", number);

	return output_write(&output, line, (size_t)len);
}

/* How many lines were written until some were dropped. */
static unsigned fill(void)
{
	unsigned count = 0;

	while (!output.dropped && count < ATTEMPTS)
		assert_int_equal(put_line(count++), 0);
	assert_true(count < ATTEMPTS);
	return count;
}

/* Reads all, and has the output write the rest; the lines are whole and in order. */
static unsigned read_all(void)
{
	static char text[1 << 20];
	unsigned count = 0, number;
	size_t len = 0;

	assert_true(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	for (;;) {
		ssize_t got = read(ends[0], text + len, sizeof(text) - 1 - len);

		if (got > 0)
			len += (size_t)got;
		else if (!output_is_waiting(&output))
			break;
		else
			assert_int_equal(output_flush(&output), 0);
	}
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		assert_int_equal(sscanf(line, "this is line number %8u", &number), 1);
		assert_int_equal(number, count++);
	}
	return count;
}

static void test_reader_that_stops(void **state)
{
	unsigned count;

	(void)state;
	output_init(&output, ends[1], MAX);
	count = fill();
	assert_int_equal(output.dropped, 1);
	assert_int_equal(output_take_dropped(&output), 0); /* not before it has drained */
	assert_int_equal(put_line(0), 0);
	assert_int_equal(output.dropped, 2);
	assert_int_equal(read_all(), count - 1);
	assert_int_equal(output_take_dropped(&output), 2);
	assert_int_equal(output_take_dropped(&output), 0);
	assert_int_equal(output.dropped, 2);
}

/* A shell and other processes share the open file description: its flags are not ours to change. */
static void test_flags_stay(void **state)
{
	int before = fcntl(ends[1], F_GETFL);

	(void)state;
	output_init(&output, ends[1], MAX);
	(void)fill();
	assert_int_equal(fcntl(ends[1], F_GETFL), before);
}

/* Where it cannot be opened again. */
static void test_polled_pipe(void **state)
{
	unsigned count;

	(void)state;
	output_init(&output, ends[1], MAX);
	assert_int_equal(output.kind, OUTPUT_OPENED);
	output_done(&output);
	output = (struct output){.fd = ends[1], .kind = OUTPUT_POLLED, .max = MAX};
	count = fill();
	assert_int_equal(read_all(), count - 1);
}

static void test_reader_that_is_gone(void **state)
{
	(void)state;
	output_init(&output, ends[1], MAX);
	(void)fill();
	(void)close(ends[0]);
	ends[0] = -1;
	assert_int_equal(put_line(0), -EPIPE);
	assert_false(output_is_waiting(&output));
	assert_int_equal(put_line(0), -EPIPE);
}

static void test_last_flush_is_bounded(void **state)
{
	(void)state;
	output_init(&output, ends[1], MAX);
	(void)fill();
	output_flush_for(&output, 1);
	assert_true(output_is_waiting(&output));
}

static void test_file(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	output_init(&output, fileno(file), MAX);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(put_line(i), 0);
	assert_int_equal(output.dropped, 0);
	assert_false(output_is_waiting(&output));
	assert_int_equal(lseek(fileno(file), 0, SEEK_END),
			 10000 * strlen("this is line number 00000000\n"));
	output_done(&output);
	(void)fclose(file);
}

#define with_pipe(test)	  cmocka_unit_test_setup_teardown(test, make_pipe, close_both)
#define with_socket(test) cmocka_unit_test_setup_teardown(test, make_sockets, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_pipe(test_reader_that_stops),
		with_socket(test_reader_that_stops),
		with_pipe(test_flags_stay),
		with_socket(test_flags_stay),
		with_pipe(test_polled_pipe),
		with_pipe(test_reader_that_is_gone),
		with_socket(test_reader_that_is_gone),
		with_pipe(test_last_flush_is_bounded),
		with_socket(test_last_flush_is_bounded),
		cmocka_unit_test(test_file),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
