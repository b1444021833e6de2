// SPDX-License-Identifier: Apache-2.0
/*
 * `lastout check` and `lastout tail`: known exits of ten kinds, each exactly as wait4 told it to
 * its parent. The workload is tests/programs/exits.c.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define EXITS	     "/bin/exits"
#define EXIT_COUNT   "300"
#define MARKER_CODE  "77"
#define EXPECT_EXITS 300

/* What Debian's kernels begin with; others know no such value, and take it for 2. */
#define PARANOID_FILE "/proc/sys/kernel/perf_event_paranoid"
#define PARANOID      "3"

static void set_paranoid(void)
{
	int fd = open(PARANOID_FILE, O_WRONLY | O_CLOEXEC);

	check(fd >= 0 && write(fd, PARANOID, 1) == 1, PARANOID_FILE " was not written");
	if (fd >= 0)
		(void)close(fd);
}

/* The unit as it was: then classic hooks are out of reach, and the reason is there to be read. */
static void test_check_without_admin(bool has_tracefs)
{
	static const char *const argv[] = {LASTOUT, "check", "--as-service", NULL};
	bool is_worse = strcmp(ground_better_hooks(has_tracefs), "classic") == 0;
	struct program program;

	program_start_without(&program, argv, CAP_SYS_ADMIN);
	check(program_end(&program, 0) == 0, "check without CAP_SYS_ADMIN: did not end well");
	check(text_count(&program.out, "programs", "with btf hooks", NULL, 0) == 1,
	      "check without CAP_SYS_ADMIN: not with btf hooks");
	check(text_count(&program.out, "note     programs", "CAP_SYS_ADMIN", NULL, 0) == is_worse,
	      "check without CAP_SYS_ADMIN: the reason is %s", is_worse ? "missing" : "wrong");
	program_print_if_failed(&program);
	program_free(&program);
}

static void check_with(const char *option, bool has_tracefs)
{
	const char *const argv[] = {LASTOUT, "check", option, NULL};
	struct program program;
	int status;

	program_start(&program, argv);
	status = program_end(&program, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "check: wait status %d", status);
	check(text_count(&program.out, "programs", ground_better_hooks(has_tracefs), NULL, 0) == 1,
	      "check: not with %s hooks", ground_better_hooks(has_tracefs));
	program_print_if_failed(&program);
	program_free(&program);
}

void test_check(bool has_tracefs)
{
	set_paranoid();
	check_with(NULL, has_tracefs);
	check_with("--as-service", has_tracefs);
	test_check_without_admin(has_tracefs);
}

/* Is what the record says what wait4 said? */
static bool is_same_end(const char *record, int status)
{
	char name[32];

	if (WIFEXITED(status))
		return line_number(record, "exit_code", -1) == WEXITSTATUS(status) &&
		       line_has(record, "signal", "null");
	if (!line_has(record, "exit_code", "null"))
		return false;
	if (line_has(record, "core_dumped", "true") != (bool)WCOREDUMP(status))
		return false;
	if (WTERMSIG(status) >= 32) {
		/* glibc's SIGRTMIN is 34, the kernel's 32. */
		(void)snprintf(name, sizeof(name), "\"SIGRTMIN+%d\"", WTERMSIG(status) - SIGRTMIN);
		return line_has(record, "signal", name) ||
		       line_has(record, "signal", "\"SIGRTMIN\"");
	}
	(void)snprintf(name, sizeof(name), "\"SIG%s\"", sigabbrev_np(WTERMSIG(status)));
	return line_has(record, "signal", name);
}

/* One child of the workload. Returns how many records of it there are. */
static unsigned compare(const struct program *tail, const char *truth)
{
	char needle[32], record[2048] = "";
	unsigned count;

	(void)snprintf(needle, sizeof(needle), "\"pid\":%ld,", line_number(truth, "pid", -1));
	count = text_count(&tail->out, needle, "\"event\":\"exit\"", record, sizeof(record));
	check(count <= 1, "tail: told %u times: %s", count, truth);
	if (count == 0)
		return 0;
	check(is_same_end(record, (int)line_number(truth, "status", -1)), "tail: %s\nis not %s",
	      record, truth);
	check(line_number(record, "max_rss_bytes", -1) ==
		      line_number(truth, "maxrss_kb", -1) * 1024,
	      "tail: memory: %s\nis not %s", record, truth);
	return 1;
}

static void run_to_end(struct program *program, const char *const argv[])
{
	program_start(program, argv);
	check(program_end(program, 0) >= 0, "%s did not end", argv[0]);
}

void test_exits(void)
{
	static const char *const tail_argv[] = {LASTOUT, "tail", "-o", "json", NULL};
	static const char *const many[] = {EXITS, "many", EXIT_COUNT, NULL};
	static const char *const marker_argv[] = {EXITS, "as", "code", MARKER_CODE, NULL};
	struct program tail, workload, marker;
	unsigned children = 0, told = 0;
	char line[2048];
	long lost;

	program_start(&tail, tail_argv);
	check(program_await(&tail, &tail.err, "watching", NULL), "tail: did not start");
	run_to_end(&workload, many);
	run_to_end(&marker, marker_argv);
	/* When it is shown, all before it were. */
	check(!ground_is_lossless() ||
		      program_await(&tail, &tail.out, "\"exit_code\":" MARKER_CODE, NULL),
	      "tail: the marker's exit was not told");
	check(program_end(&tail, SIGTERM) == 0, "tail: did not end well");

	for (const char *place = workload.out.bytes; text_next(&place, line, sizeof(line));) {
		children++;
		told += compare(&tail, line);
	}
	check(children == EXPECT_EXITS, "the workload ended %u processes", children);
	if (!text_count(&tail.err, " events, ", NULL, line, sizeof(line)) ||
	    sscanf(line, "%*u events, %ld lost", &lost) != 1)
		lost = -1;
	printf("tail: %u exits made, %u told, %ld lost\n", children, told, lost);
	if (ground_is_lossless())
		check(told == children && lost == 0, "tail: %u of %u told, %ld lost", told,
		      children, lost);
	else /* what is missing was counted */
		check(lost >= 0 && told + (unsigned long)lost >= children,
		      "tail: %u of %u told, but only %ld lost", told, children, lost);
	program_free(&tail);
	program_free(&workload);
	program_free(&marker);
}
