// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/exit_by_status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "exit_by_status/exit_tracer.h"

enum { ALARM_S = 2 }; /* should the caller's last look hang */

/*
 * Every signal but SIGSYS is blocked, so no handler of the agent's can run here and speak for it.
 * Descriptors stay open: the last look needs some, and they are gone with us.
 */
static void __attribute__((noreturn))
run(const struct exit_by_status_request *request, int fd, pid_t parent)
{
	struct exit_by_status_report report;
	sigset_t set;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "lastout-exit");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	(void)signal(SIGALRM, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, it would not tell us of stops */
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)alarm(ALARM_S);
	exit_tracer_run(request, &report);
	_exit(write(fd, &report, sizeof(report)) == (ssize_t)sizeof(report) ? 0 : 1);
}

int exit_by_status_start(const struct exit_by_status_request *request, struct exit_by_status *ret)
{
	_cleanup_close_ int read_end = -1, write_end = -1;
	pid_t parent = getpid(), tracer;
	sigset_t all, before;
	int fds[2], err;

	if (request->code < 0 || request->code > 255 || request->pid <= 1 || request->pid == parent)
		return -EINVAL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_end = fds[0];
	write_end = fds[1];
	(void)sigfillset(&all);
	(void)sigdelset(&all,
			SIGSYS); /* blocked, it would kill where a call is only to be refused */
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	tracer = fork();
	err = errno;
	if (tracer == 0)
		run(request, write_end, parent);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (tracer < 0)
		return -err;
	*ret = (struct exit_by_status){.tracer = tracer, .fd = STEAL_FD(read_end)};
	return 0;
}

static ssize_t read_report(int fd, struct exit_by_status_report *ret_report)
{
	ssize_t len;

	do {
		len = read(fd, ret_report, sizeof(*ret_report));
	} while (len < 0 && errno == EINTR);
	return len;
}

static void reap(struct exit_by_status *attempt)
{
	while (waitpid(attempt->tracer, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(attempt->fd);
	*attempt = (struct exit_by_status){0};
}

void exit_by_status_finish(struct exit_by_status *attempt, struct exit_by_status_report *ret_report)
{
	struct exit_by_status_report report;

	if (read_report(attempt->fd, &report) != (ssize_t)sizeof(report))
		report = (struct exit_by_status_report){.result = EXIT_BY_STATUS_TRACER_DIED,
							.status = -1};
	reap(attempt);
	*ret_report = report;
}

void exit_by_status_cancel(struct exit_by_status *attempt)
{
	if (attempt->tracer <= 0)
		return;
	(void)kill(attempt->tracer, SIGKILL); /* our own child, not yet reaped: still its number */
	reap(attempt);
}

static const struct {
	const char *word, *text;
} results[] = {
	[EXIT_BY_STATUS_DONE] = {"done", "it ended so"},
	[EXIT_BY_STATUS_GONE] = {"gone", "it had ended already"},
	[EXIT_BY_STATUS_ENDING] = {"ending", "it was already ending with another status"},
	[EXIT_BY_STATUS_HELD] = {"held", "something else was found in the container"},
	[EXIT_BY_STATUS_STOPPED] = {"stopped", "it is stopped by a signal"},
	[EXIT_BY_STATUS_FROZEN] = {"frozen", "its cgroup is frozen"},
	[EXIT_BY_STATUS_UNINTERRUPTIBLE] = {"uninterruptible",
					    "it waits in the kernel and cannot be interrupted"},
	[EXIT_BY_STATUS_TRACED] = {"traced", "another process traces it"},
	[EXIT_BY_STATUS_SCOPE] = {"ptrace_scope", "kernel.yama.ptrace_scope is 3"},
	[EXIT_BY_STATUS_DENIED] = {"denied", "the kernel does not allow lastout to trace it"},
	[EXIT_BY_STATUS_SECCOMP] = {"seccomp", "its seccomp filter forbids exit_group"},
	[EXIT_BY_STATUS_ABI] = {"abi", "it makes system calls in a way that lastout does not know"},
	[EXIT_BY_STATUS_TIMED_OUT] = {"timed_out", "it reached no system call in time"},
	[EXIT_BY_STATUS_FAILED] = {"failed", "the kernel answered with an error"},
	[EXIT_BY_STATUS_TRACER_DIED] = {"tracer_died", "lastout's own process for it was killed"},
};

const char *exit_by_status_word(enum exit_by_status_result result)
{
	return results[result].word;
}

const char *exit_by_status_text(enum exit_by_status_result result)
{
	return results[result].text;
}
