// SPDX-License-Identifier: Apache-2.0
/*
 * exit-by-status PID CODE [veto]
 *
 * Makes process PID call exit_group(CODE), and prints the report as one JSON object. `veto`: the last
 * look says no.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "exit_by_status/exit_by_status.h"
#include "host/pidfd.h"
#include "host/procfs.h"

static bool say_no(void *context)
{
	(void)context;
	return false;
}

int main(int argc, char **argv)
{
	struct exit_by_status_request request = {.proc = "/proc"};
	struct exit_by_status_report report;
	struct exit_by_status attempt;
	struct procfs_stat stat;
	int result;

	if (argc != 3 && !(argc == 4 && strcmp(argv[3], "veto") == 0))
		errx(2, "usage: exit-by-status PID CODE [veto]");
	request.pid = atoi(argv[1]);
	request.code = atoi(argv[2]);
	request.may_go_on = argc == 4 ? say_no : NULL;
	request.pidfd = pidfd_open_process(request.pid);
	if (request.pidfd < 0 || procfs_read_stat("/proc", request.pid, &stat) < 0)
		errx(1, "%s: no such process", argv[1]);
	request.start_ns = stat.start_ticks * 10000000;
	result = exit_by_status_start(&request, &attempt);
	if (result < 0)
		errx(1, "start: %s", strerror(-result));
	exit_by_status_finish(&attempt, &report);
	printf("{\"result\": \"%s\", \"err\": %d, \"status\": %d, \"tid\": %d, \"tracer\": %d, "
	       "\"held_us\": %llu, \"took_us\": %llu}\n",
	       exit_by_status_word(report.result), report.err, report.status, report.tid,
	       report.tracer, (unsigned long long)report.held_ns / 1000,
	       (unsigned long long)report.took_ns / 1000);
	return 0;
}
