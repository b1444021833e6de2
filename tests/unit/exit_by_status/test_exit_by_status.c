// SPDX-License-Identifier: Apache-2.0
/*
 * Against real children of this test. A host may let only ancestors trace, and the tracer is a
 * sibling: so each child says that anybody may.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exit_by_status/exit_by_status.h"
#include "host/pidfd.h"
#include "host/procfs.h"
#include "tree.h"

enum { PATIENCE_MS = 10000 };

static void stay(void)
{
	for (;;)
		pause();
}

static void spin(void)
{
	for (volatile bool is_on = true; is_on;)
		;
}

/* A child that does `be`, and the request to end it. */
static struct exit_by_status_request start(void (*be)(void), int code)
{
	struct exit_by_status_request request = {.proc = "/proc", .code = code};
	struct procfs_stat stat;
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	request.pid = fork();
	if (request.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		if (write(fds[1], "r", 1) == 1)
			be();
		_exit(99);
	}
	assert_true(request.pid > 0);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
	request.pidfd = pidfd_open_process(request.pid);
	assert_true(request.pidfd >= 0);
	assert_int_equal(procfs_read_stat("/proc", request.pid, &stat), 0);
	request.start_ns = stat.start_ticks * 10000000;
	return request;
}

static struct exit_by_status_report run(const struct exit_by_status_request *request)
{
	struct exit_by_status_report report;
	struct exit_by_status attempt;

	assert_int_equal(exit_by_status_start(request, &attempt), 0);
	exit_by_status_finish(&attempt, &report);
	assert_int_equal(attempt.tracer, 0);
	return report;
}

/* The wait status; the child is killed if it lives, and then it must have been alive and well. */
static int end_child(const struct exit_by_status_request *request, bool is_expected_alive)
{
	int status;

	if (is_expected_alive) {
		assert_int_equal(pidfd_signal(request->pidfd, 0), 0);
		assert_int_equal(waitpid(request->pid, &status, WNOHANG), 0);
		assert_int_equal(pidfd_signal(request->pidfd, SIGKILL), 0);
	}
	assert_int_equal(waitpid(request->pid, &status, 0), request->pid);
	(void)close(request->pidfd);
	return status;
}

static void check_ends(void (*be)(void), int code)
{
	struct exit_by_status_request request = start(be, code);
	struct exit_by_status_report report = run(&request);

	assert_int_equal(report.result, EXIT_BY_STATUS_DONE);
	assert_int_equal(report.status, code << 8);
	assert_int_equal(report.tid, request.pid);
	assert_true(report.held_ns > 0 && report.held_ns <= report.took_ns);
	assert_int_equal(end_child(&request, false), code << 8);
}

static void test_ends_with_the_code(void **state)
{
	(void)state;
	check_ends(stay, 0);
	check_ends(stay, 1);
	check_ends(stay, 143);
	check_ends(stay, 255);
}

static void test_ends_without_a_system_call_of_its_own(void **state)
{
	(void)state;
	check_ends(spin, 43);
}

/* Whoever ignores SIGCHLD hands that down to the tracer, who lives by it. */
static void test_caller_that_ignores_its_children(void **state)
{
	struct exit_by_status_request request = start(stay, 43);
	struct exit_by_status_report report;

	(void)state;
	assert_ptr_not_equal(signal(SIGCHLD, SIG_IGN), SIG_ERR);
	report = run(&request);
	assert_ptr_not_equal(signal(SIGCHLD, SIG_DFL), SIG_ERR);
	assert_int_equal(report.result, EXIT_BY_STATUS_DONE);
	assert_true(report.took_ns < EXIT_BY_STATUS_LIMIT_MS / 2 * NS_PER_MS);
	(void)close(request.pidfd);
}

/* What the last look saw, in memory that the tracer shares with us. */
struct look {
	int count;
	int ends;
	char target_state;
	bool has_died_before;
	bool may_go_on;
	struct exit_by_status_request request;
};

static bool look(void *context)
{
	struct look *seen = context;
	struct procfs_stat stat;

	seen->count++;
	if (procfs_read_stat("/proc", seen->request.pid, &stat) == 0)
		seen->target_state = stat.state;
	return seen->may_go_on;
}

static void see_end(void *context)
{
	struct look *seen = context;
	struct pollfd pidfd = {.fd = seen->request.pidfd, .events = POLLIN};

	seen->ends++;
	seen->has_died_before = poll(&pidfd, 1, 0) != 0;
}

static struct look *make_look(bool may_go_on, void (*be)(void))
{
	struct look *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(seen, MAP_FAILED);
	seen->may_go_on = may_go_on;
	seen->request = start(be, 43);
	seen->request.may_go_on = look;
	seen->request.is_ending = see_end;
	seen->request.context = seen;
	return seen;
}

static void test_last_look_while_it_stands(void **state)
{
	struct look *seen = make_look(true, stay);

	(void)state;
	assert_int_equal(run(&seen->request).result, EXIT_BY_STATUS_DONE);
	assert_int_equal(seen->count, 1);
	assert_int_equal(seen->target_state, 't');
	assert_int_equal(seen->ends, 1);
	assert_false(seen->has_died_before);
	assert_int_equal(end_child(&seen->request, false), 43 << 8);
	assert_int_equal(munmap(seen, sizeof(*seen)), 0);
}

static void test_last_look_says_no(void **state)
{
	struct look *seen = make_look(false, stay);

	(void)state;
	assert_int_equal(run(&seen->request).result, EXIT_BY_STATUS_HELD);
	assert_int_equal(seen->count, 1);
	assert_int_equal(seen->ends, 0);
	assert_int_equal(end_child(&seen->request, true), SIGKILL);
	assert_int_equal(munmap(seen, sizeof(*seen)), 0);
}

static void test_another_start(void **state)
{
	struct exit_by_status_request request = start(stay, 43);

	(void)state;
	request.start_ns += 10000000;
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_GONE);
	assert_int_equal(end_child(&request, true), SIGKILL);
}

/* Its number and start look right, but the pidfd is of one that has ended. */
static void test_another_process(void **state)
{
	struct exit_by_status_request request = start(stay, 43), other = start(stay, 0);
	int pidfd = request.pidfd;

	(void)state;
	request.pidfd = other.pidfd;
	assert_int_equal(pidfd_signal(other.pidfd, SIGKILL), 0);
	assert_int_equal(
		poll(&(struct pollfd){.fd = other.pidfd, .events = POLLIN}, 1, PATIENCE_MS), 1);
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_GONE);
	assert_int_equal(end_child(&other, false), SIGKILL);
	request.pidfd = pidfd;
	assert_int_equal(end_child(&request, true), SIGKILL);
}

static void test_dead(void **state)
{
	struct exit_by_status_request request = start(stay, 43);

	(void)state;
	assert_int_equal(pidfd_signal(request.pidfd, SIGKILL), 0);
	assert_int_equal(
		poll(&(struct pollfd){.fd = request.pidfd, .events = POLLIN}, 1, PATIENCE_MS), 1);
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_GONE);
	assert_int_equal(end_child(&request, false), SIGKILL);
	request.pidfd = pidfd_open_process(getpid());
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_GONE);
	(void)close(request.pidfd);
}

static void test_stopped(void **state)
{
	struct exit_by_status_request request = start(stay, 43);
	int status;

	(void)state;
	assert_int_equal(pidfd_signal(request.pidfd, SIGSTOP), 0);
	assert_int_equal(waitpid(request.pid, &status, WUNTRACED), request.pid);
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_STOPPED);
	assert_int_equal(pidfd_signal(request.pidfd, SIGCONT), 0);
	assert_int_equal(run(&request).result, EXIT_BY_STATUS_DONE);
	assert_int_equal(end_child(&request, false), 43 << 8);
}

static void test_traced_by_another(void **state)
{
	struct exit_by_status_request request = start(stay, 43);
	struct exit_by_status_report report;

	(void)state;
	assert_int_equal(ptrace(PTRACE_SEIZE, request.pid, NULL, NULL), 0);
	report = run(&request);
	assert_int_equal(report.result, EXIT_BY_STATUS_TRACED);
	assert_int_equal(report.tracer, getpid());
	assert_int_equal(end_child(&request, true), SIGKILL);
}

/* The kernel's refusal is real, what procfs tells of the reason is made up. */
static void check_refusal(const char *scope, enum exit_by_status_result expected, int err)
{
	struct exit_by_status_request request = start(stay, 43);
	struct exit_by_status_report report;
	char name[64], stat[128];

	(void)snprintf(name, sizeof(name), "%d/task/%d/stat", request.pid, request.pid);
	(void)snprintf(stat, sizeof(stat),
		       "%d (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %llu 0\n", request.pid,
		       (unsigned long long)request.start_ns / 10000000);
	tree_put(name, stat);
	tree_put("sys/kernel/yama/ptrace_scope", scope);
	assert_int_equal(ptrace(PTRACE_SEIZE, request.pid, NULL, NULL), 0);
	request.proc = tree;
	report = run(&request);
	assert_int_equal(report.result, expected);
	assert_int_equal(report.err, err);
	assert_int_equal(report.tracer, 0);
	assert_int_equal(end_child(&request, true), SIGKILL);
}

static void test_refused(void **state)
{
	(void)state;
	check_refusal("3\n", EXIT_BY_STATUS_SCOPE, 0);
	check_refusal("1\n", EXIT_BY_STATUS_DENIED, -EPERM);
}

static bool wait_forever(void *context)
{
	struct look *seen = context;

	seen->count = 1;
	stay();
	return false;
}

/* Runs until the tracer is in the last look, and so holds the child. */
static struct exit_by_status hold(struct look *seen)
{
	uint64_t end_ns = clock_boot_ns() + PATIENCE_MS * NS_PER_MS;
	struct exit_by_status attempt;

	seen->request.may_go_on = wait_forever;
	assert_int_equal(exit_by_status_start(&seen->request, &attempt), 0);
	while (!*(volatile int *)&seen->count)
		assert_true(clock_boot_ns() < end_ns);
	return attempt;
}

static void test_cancelled(void **state)
{
	struct look *seen = make_look(true, stay);
	struct exit_by_status attempt = hold(seen);

	(void)state;
	exit_by_status_cancel(&attempt);
	assert_int_equal(attempt.tracer, 0);
	exit_by_status_cancel(&attempt);
	seen->request.may_go_on = NULL;
	assert_int_equal(run(&seen->request).result, EXIT_BY_STATUS_DONE);
	assert_int_equal(end_child(&seen->request, false), 43 << 8);
	assert_int_equal(munmap(seen, sizeof(*seen)), 0);
}

static void test_tracer_killed(void **state)
{
	struct look *seen = make_look(true, stay);
	struct exit_by_status attempt = hold(seen);
	struct exit_by_status_report report;

	(void)state;
	assert_int_equal(kill(attempt.tracer, SIGKILL), 0);
	assert_int_equal(poll(&(struct pollfd){.fd = attempt.fd, .events = POLLIN}, 1, PATIENCE_MS),
			 1);
	exit_by_status_finish(&attempt, &report);
	assert_int_equal(report.result, EXIT_BY_STATUS_TRACER_DIED);
	assert_int_equal(report.status, -1);
	assert_int_equal(end_child(&seen->request, true), SIGKILL);
	assert_int_equal(munmap(seen, sizeof(*seen)), 0);
}

/* Its own limit is 1 s, but the caller's last look is not bound by it. */
static void test_hanging_look_ends(void **state)
{
	struct look *seen = make_look(true, stay);
	struct exit_by_status attempt = hold(seen);
	struct exit_by_status_report report;

	(void)state;
	exit_by_status_finish(&attempt, &report);
	assert_int_equal(report.result, EXIT_BY_STATUS_TRACER_DIED);
	assert_int_equal(end_child(&seen->request, true), SIGKILL);
	assert_int_equal(munmap(seen, sizeof(*seen)), 0);
}

static void test_what_makes_no_sense(void **state)
{
	struct exit_by_status_request request = {.proc = "/proc", .pid = 1, .pidfd = -1};
	struct exit_by_status attempt;

	(void)state;
	assert_int_equal(exit_by_status_start(&request, &attempt), -EINVAL);
	request.pid = getpid();
	assert_int_equal(exit_by_status_start(&request, &attempt), -EINVAL);
	request.pid = getppid();
	request.code = 256;
	assert_int_equal(exit_by_status_start(&request, &attempt), -EINVAL);
	request.code = -1;
	assert_int_equal(exit_by_status_start(&request, &attempt), -EINVAL);
}

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i <= EXIT_BY_STATUS_TRACER_DIED; i++) {
		assert_non_null(exit_by_status_text(i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(exit_by_status_word(i), exit_by_status_word(j));
	}
	assert_string_equal(exit_by_status_word(EXIT_BY_STATUS_DONE), "done");
	assert_string_equal(exit_by_status_word(EXIT_BY_STATUS_SCOPE), "ptrace_scope");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_with_the_code),
		cmocka_unit_test(test_ends_without_a_system_call_of_its_own),
		cmocka_unit_test(test_caller_that_ignores_its_children),
		cmocka_unit_test(test_last_look_while_it_stands),
		cmocka_unit_test(test_last_look_says_no),
		cmocka_unit_test(test_another_start),
		cmocka_unit_test(test_another_process),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_traced_by_another),
		in_tree(test_refused),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_tracer_killed),
		cmocka_unit_test(test_hanging_look_ends),
		cmocka_unit_test(test_what_makes_no_sense),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
