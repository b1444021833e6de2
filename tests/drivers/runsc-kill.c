// SPDX-License-Identifier: Apache-2.0
/*
 * runsc-kill ROOT ID SIGNAL PROGRAM
 *
 * Has the runner's child run `PROGRAM --root ROOT kill ID SIGNAL`, and prints what came of it as one JSON
 * object.
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sys/runsc_runner.h"

int main(int argc, char **argv)
{
	const char *programs[2] = {NULL};
	struct runsc_runner *runner;
	struct runsc_result result;
	struct pollfd fd = {.events = POLLIN};
	struct buf out = {0};
	struct json json;
	struct error error;
	uint64_t number;
	int failed;

	if (argc != 5)
		errx(2, "usage: runsc-kill ROOT ID SIGNAL PROGRAM");
	programs[0] = argv[4];
	if (runsc_runner_start(programs, &runner, &error) < 0)
		errx(1, "%s", error.text);
	failed = runsc_runner_kill(runner, argv[1], argv[2], atoi(argv[3]), &number);
	if (failed)
		errx(1, "%s", strerror(-failed));
	fd.fd = runsc_runner_fd(runner);
	(void)poll(&fd, 1, -1);
	failed = runsc_runner_read(runner, &result);
	if (failed)
		errx(1, "%s", strerror(-failed));
	json_init(&json, &out);
	json_object_begin(&json, NULL);
	json_int(&json, "err", result.err);
	json_string(&json, "text", result.text);
	json_object_end(&json);
	printf("%s\n", out.data);
	buf_done(&out);
	runsc_runner_free(runner);
	return 0;
}
