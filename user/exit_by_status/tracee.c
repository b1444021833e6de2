// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"

enum {
	SYSCALL_STOP = SIGTRAP | 0x80, /* by PTRACE_O_TRACESYSGOOD */
	SIGSYS_BY_SECCOMP = 1,	       /* SYS_SECCOMP, which glibc does not name */
};

static int request(enum __ptrace_request what, pid_t tid, uintptr_t address, uintptr_t data)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): that is how ptrace takes numbers */
	return ptrace(what, tid, (void *)address, (void *)data) < 0 ? -errno : 0;
}

int tracee_seize(struct tracee *tracee)
{
	return request(PTRACE_SEIZE, tracee->tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
}

int tracee_interrupt(const struct tracee *tracee)
{
	return request(PTRACE_INTERRUPT, tracee->tid, 0, 0);
}

int tracee_resume(const struct tracee *tracee)
{
	return request(PTRACE_SYSCALL, tracee->tid, 0, 0);
}

void tracee_detach(const struct tracee *tracee)
{
	(void)request(PTRACE_DETACH, tracee->tid, 0, 0);
}

/* Until a child's state may have changed. */
static void sleep_until(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_SEC),
				.tv_nsec = (long)(left_ns % NS_PER_SEC)};
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigtimedwait(&set, NULL, &left);
}

/* The thread that stands, 0 at the deadline, -1 if there is none at all. */
static pid_t wait_for_stop(uint64_t deadline_ns, int *ret_status)
{
	for (;;) {
		pid_t tid = waitpid(-1, ret_status, __WALL | WNOHANG);

		if (tid > 0 || (tid < 0 && errno != EINTR))
			return tid;
		if (clock_boot_ns() >= deadline_ns)
			return 0;
		sleep_until(deadline_ns);
	}
}

static bool is_about_refused_exit(const struct tracee *tracee, int signal)
{
	siginfo_t info = {0};

	return tracee->has_refused_exit && signal == SIGSYS &&
	       ptrace(PTRACE_GETSIGINFO, tracee->tid, NULL, &info) == 0 &&
	       info.si_code == SIGSYS_BY_SECCOMP;
}

static enum tracee_stop at_syscall(struct tracee *tracee)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->tid, sizeof(info), &info) < 0)
		return TRACEE_GONE;
	tracee->arch = info.arch;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? TRACEE_ENTRY : TRACEE_RETURN;
}

static enum tracee_stop at_end(struct tracee *tracee)
{
	unsigned long message;

	if (ptrace(PTRACE_GETEVENTMSG, tracee->tid, NULL, &message) < 0)
		return TRACEE_GONE;
	tracee->status = (int)message;
	return TRACEE_ENDING;
}

/* TRACEE_RUNS: it stood for a signal, which it now has. */
static enum tracee_stop at_stop(struct tracee *tracee, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);

	if (event == PTRACE_EVENT_EXIT)
		return at_end(tracee);
	if (event == PTRACE_EVENT_STOP)
		return signal == SIGTRAP ? TRACEE_ASKED : TRACEE_STOPPED;
	if (event == 0 && signal == SYSCALL_STOP)
		return at_syscall(tracee);
	if (event != 0 || is_about_refused_exit(tracee, signal))
		signal = 0;
	(void)request(PTRACE_SYSCALL, tracee->tid, 0, (uintptr_t)signal);
	return TRACEE_RUNS;
}

/* One that was given up earlier, and stands only now; with its signal, if it stands for one. */
static void free_other(pid_t tid, int status)
{
	bool is_signal = status >> 16 == 0 && WSTOPSIG(status) != SYSCALL_STOP;

	if (WIFSTOPPED(status))
		(void)request(PTRACE_DETACH, tid, 0, is_signal ? (uintptr_t)WSTOPSIG(status) : 0);
}

enum tracee_stop tracee_await(struct tracee *tracee, uint64_t deadline_ns)
{
	enum tracee_stop stop;
	int status;

	for (;;) {
		pid_t tid = wait_for_stop(deadline_ns, &status);

		if (tid <= 0)
			return tid < 0 ? TRACEE_GONE : TRACEE_RUNS;
		if (tid != tracee->tid) {
			free_other(tid, status);
			continue;
		}
		if (!WIFSTOPPED(status))
			return TRACEE_GONE;
		if (!tracee->first_stop_ns)
			tracee->first_stop_ns = clock_boot_ns();
		stop = at_stop(tracee, status);
		if (stop != TRACEE_RUNS)
			return stop;
	}
}
