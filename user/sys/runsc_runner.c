// SPDX-License-Identifier: Apache-2.0
#include "sys/runsc_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/capabilities.h"
#include "sys/runsc_child.h"

struct runsc_runner {
	pid_t child;
	int fd;
	uint64_t last_number;
};

static const char *const usual_programs[] = {"/usr/local/sbin/runsc", "/usr/local/bin/runsc",
					     "/usr/sbin/runsc", "/usr/bin/runsc", NULL};

/* Nothing of ours is open there but stderr, for what a sanitizer or a C library may say at its end. */
static void __attribute__((noreturn)) be_child(int fd, pid_t parent, const char *const *programs)
{
	enum { FD = STDERR_FILENO + 1 };
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "lastout-runsc");
	/* Root's own files and sockets are all that `runsc kill` needs. */
	if (capabilities_keep(0, 0) < 0 || capabilities_gain_none() < 0)
		_exit(1);
	/* Those are for the agent, which ends us. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
	    (fd != FD && dup3(fd, FD, O_CLOEXEC) < 0) || close_range(FD + 1, ~0U, 0) < 0)
		_exit(1);
	runsc_child_run(FD, programs);
}

int runsc_runner_start(const char *const *programs, struct runsc_runner **ret_runner,
		       struct error *error)
{
	struct runsc_runner *runner = calloc(1, sizeof(*runner));
	pid_t parent = getpid();
	int pair[2];

	if (!runner)
		return error_set(error, -ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(runner);
		return error_set(error, -errno, "cannot make a socket pair: %s", strerror(errno));
	}
	runner->child = fork();
	if (runner->child == 0)
		be_child(pair[1], parent, programs ? programs : usual_programs);
	(void)close(pair[1]);
	runner->fd = pair[0];
	if (runner->child < 0) {
		int err = -errno;

		runsc_runner_free(runner);
		return error_set(error, err, "cannot fork: %s", strerror(-err));
	}
	*ret_runner = runner;
	return 0;
}

void runsc_runner_free(struct runsc_runner *runner)
{
	if (!runner)
		return;
	(void)close(runner->fd);
	if (runner->child > 0) {
		(void)kill(runner->child, SIGKILL); /* not yet reaped: still its number */
		while (waitpid(runner->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(runner);
}

int runsc_runner_fd(const struct runsc_runner *runner)
{
	return runner->fd;
}

int runsc_runner_kill(struct runsc_runner *runner, const char *root, const char *id, int signal,
		      uint64_t *ret_number)
{
	struct runsc_request request = {.number = runner->last_number + 1, .signal = signal};

	if (strlen(root) >= sizeof(request.root) || strlen(id) >= sizeof(request.id))
		return -EINVAL;
	memcpy(request.root, root, strlen(root));
	memcpy(request.id, id, strlen(id));
	if (runsc_request_check(&request) < 0)
		return -EINVAL;
	if (send(runner->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	*ret_number = ++runner->last_number;
	return 0;
}

int runsc_runner_read(struct runsc_runner *runner, struct runsc_result *ret_result)
{
	struct runsc_result result;
	ssize_t got;

	do {
		got = recv(runner->fd, &result, sizeof(result), MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno != ECONNRESET)
		return -errno;
	if (got != (ssize_t)sizeof(result))
		return -EPIPE;
	*ret_result = result;
	return 0;
}
