// SPDX-License-Identifier: Apache-2.0
/*
 * exit-rounds ROUNDS SEED DELAY_US NAME=COMMAND...
 *
 * Runs each COMMAND (split at blanks) ROUNDS times as the PID 1 of a PID namespace of its own, all in
 * random order; once it has said `r`, and up to DELAY_US later, has it end by a random exit status,
 * and compares what wait4 tells. Every second time it waits until PID 1 sleeps, so that it is met
 * both in its state and on the way there. Prints one JSON object a command; ends with 1 if any
 * status was wrong.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "exit_by_status/exit_by_status.h"
#include "host/pidfd.h"
#include "host/procfs.h"

enum { ARGS_MAX = 16, SLEEP_PATIENCE_MS = 50 };

struct kind {
	const char *name;
	char *args[ARGS_MAX];
	unsigned rounds, wrong;
	uint64_t *held_ns, *took_ns;
};

static void parse(struct kind *kind, char *text, unsigned rounds)
{
	char *command = strchr(text, '='), *rest = NULL;
	size_t count = 0;

	if (!command)
		errx(2, "%s: not NAME=COMMAND", text);
	*command++ = '\0';
	kind->name = text;
	for (char *arg = strtok_r(command, " ", &rest); arg && count < ARGS_MAX - 1;
	     arg = strtok_r(NULL, " ", &rest))
		kind->args[count++] = arg;
	kind->held_ns = calloc(rounds, sizeof(uint64_t));
	kind->took_ns = calloc(rounds, sizeof(uint64_t));
	if (!kind->held_ns || !kind->took_ns)
		err(1, "calloc");
}

/* Gives its pid once it has said that it is there. */
static pid_t start(const struct kind *kind)
{
	char byte;
	int fds[2];
	long pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(1, "pipe2");
	pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		err(1, "clone");
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)execv(kind->args[0], kind->args);
		_exit(127);
	}
	(void)close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		errx(1, "%s: did not start", kind->name);
	(void)close(fds[0]);
	return (pid_t)pid;
}

static void pause_us(unsigned us)
{
	struct timespec delay = {.tv_nsec = us * 1000L};

	(void)nanosleep(&delay, NULL);
}

static void await_sleep(pid_t pid)
{
	uint64_t end_ns = clock_boot_ns() + SLEEP_PATIENCE_MS * NS_PER_MS;
	struct procfs_stat stat;

	while (procfs_read_stat("/proc", pid, &stat) == 0 && stat.state == 'R' &&
	       clock_boot_ns() < end_ns)
		pause_us(100);
}

static void end(pid_t pid, int code, struct exit_by_status_report *ret_report)
{
	struct exit_by_status_request request = {.proc = "/proc", .pid = pid, .code = code};
	struct exit_by_status attempt;
	struct procfs_stat stat;

	request.pidfd = pidfd_open_process(pid);
	if (request.pidfd < 0 || procfs_read_stat("/proc", pid, &stat) < 0)
		errx(1, "%d: no such process", pid);
	request.start_ns = stat.start_ticks * 10000000;
	if (exit_by_status_start(&request, &attempt) < 0)
		errx(1, "exit_by_status_start");
	exit_by_status_finish(&attempt, ret_report);
	(void)close(request.pidfd);
}

static void run(struct kind *kind, unsigned delay_us)
{
	struct exit_by_status_report report;
	int code = (int)(random() & 0xff), status;
	pid_t pid = start(kind);

	if (delay_us)
		pause_us((unsigned)random() % delay_us);
	if (random() & 1)
		await_sleep(pid);
	end(pid, code, &report);
	if (report.result != EXIT_BY_STATUS_DONE)
		(void)kill(pid, SIGKILL); /* ours, and not reaped */
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (report.result != EXIT_BY_STATUS_DONE || status != code << 8) {
		kind->wrong++;
		warnx("%s: %s, status %#x instead of %#x, reported %#x, after %llu us", kind->name,
		      exit_by_status_word(report.result), status, code << 8, report.status,
		      (unsigned long long)report.took_ns / 1000);
	}
	kind->held_ns[kind->rounds] = report.held_ns;
	kind->took_ns[kind->rounds++] = report.took_ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void print_times(const char *name, uint64_t *times_ns, unsigned count)
{
	qsort(times_ns, count, sizeof(*times_ns), compare);
	printf(", \"%s_us\": {\"median\": %llu, \"p99\": %llu, \"max\": %llu}", name,
	       (unsigned long long)times_ns[count / 2] / 1000,
	       (unsigned long long)times_ns[count * 99 / 100] / 1000,
	       (unsigned long long)times_ns[count - 1] / 1000);
}

int main(int argc, char **argv)
{
	unsigned rounds, delay_us, kinds_left, wrong = 0;
	struct kind *kinds;
	size_t count;

	if (argc < 5 || atoi(argv[1]) <= 0)
		errx(2, "usage: exit-rounds ROUNDS SEED DELAY_US NAME=COMMAND...");
	rounds = (unsigned)atoi(argv[1]);
	srandom((unsigned)atoi(argv[2]));
	delay_us = (unsigned)atoi(argv[3]);
	count = (size_t)argc - 4;
	kinds = calloc(count, sizeof(*kinds));
	if (!kinds)
		err(1, "calloc");
	for (size_t i = 0; i < count; i++)
		parse(&kinds[i], argv[4 + i], rounds);
	for (kinds_left = (unsigned)count; kinds_left;) {
		struct kind *kind = &kinds[(size_t)random() % count];

		if (kind->rounds == rounds)
			continue;
		run(kind, delay_us);
		kinds_left -= kind->rounds == rounds;
	}
	for (size_t i = 0; i < count; i++) {
		printf("{\"kind\": \"%s\", \"rounds\": %u, \"wrong\": %u", kinds[i].name,
		       kinds[i].rounds, kinds[i].wrong);
		print_times("held", kinds[i].held_ns, rounds);
		print_times("took", kinds[i].took_ns, rounds);
		printf("}\n");
		wrong += kinds[i].wrong;
	}
	return wrong ? 1 : 0;
}
