// SPDX-License-Identifier: Apache-2.0
/*
 * own-pid-namespace COMMAND [ARGUMENT...]
 *
 * Runs a command, and has each child that it starts in a new UTS namespace be PID 1 of a new PID namespace
 * as well: so later releases of runsc begin their sandboxes. The command itself and its threads stay where
 * they are, and its children are not traced. Ends as the command does.
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit_by_status/registers.h"

static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
			err(1, "ptrace");
		execvp(command[0], command);
		err(1, "%s", command[0]);
	}
	if (waitpid(pid, NULL, __WALL) != pid || ptrace(PTRACE_SETOPTIONS, pid, NULL, options) < 0)
		err(1, "cannot trace %s", command[0]);
	return pid;
}

static void add_flag(pid_t tid, unsigned long flags)
{
	struct registers registers;

	if (registers_read(tid, &registers) < 0)
		return; /* killed meanwhile */
#if defined(__x86_64__)
	registers.set.native.rdi = flags;
#else
	registers.set.native.regs[0] = flags;
#endif
	if (registers_write(tid, &registers) < 0 && errno != ESRCH)
		err(1, "cannot write registers");
}

static void look_at_call(pid_t tid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_clone)
		return;
	if (info.entry.args[0] & CLONE_NEWUTS && !(info.entry.args[0] & CLONE_NEWPID))
		add_flag(tid, info.entry.args[0] | CLONE_NEWPID);
}

/* What it stopped for, and which signal it is to go on with. */
static int look_at(pid_t tid, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		look_at_call(tid);
		return 0;
	}
	/* A new thread stops once; so does an exec. */
	return signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

int main(int argc, char **argv)
{
	pid_t command, tid;
	int status;

	if (argc < 2)
		errx(2, "usage: own-pid-namespace COMMAND [ARGUMENT...]");
	command = start(argv + 1);
	(void)ptrace(PTRACE_SYSCALL, command, NULL, NULL);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			(void)ptrace(PTRACE_SYSCALL, tid, NULL,
				     (void *)(ptrdiff_t)look_at(tid, status));
		else if (tid == command)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	err(1, "wait");
}
