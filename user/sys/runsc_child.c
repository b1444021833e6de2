// SPDX-License-Identifier: Apache-2.0
#include "sys/runsc_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sys/pidfd.h"

/* The letters that runsc takes; not `-` in front, which would be an option. */
#define ID_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-."

static bool is_text(const char *text, size_t size)
{
	return text[0] && memchr(text, '\0', size);
}

int runsc_request_check(const struct runsc_request *request)
{
	if (!is_text(request->root, sizeof(request->root)) ||
	    !is_text(request->id, sizeof(request->id)))
		return -EINVAL;
	if (request->root[0] != '/' || strstr(request->root, "/.."))
		return -EINVAL;
	if (request->id[0] == '-' || request->id[strspn(request->id, ID_LETTERS)])
		return -EINVAL;
	return request->signal > 0 && request->signal <= SIGRTMAX ? 0 : -EINVAL;
}

/* One that others could replace would have our rights. */
static bool is_trusted(const char *program)
{
	struct stat found;

	return stat(program, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid() &&
	       !(found.st_mode & (S_IWGRP | S_IWOTH));
}

static const char *find_program(const char *const *programs)
{
	for (; *programs; programs++)
		if (is_trusted(*programs))
			return *programs;
	return NULL;
}

/* Between fork and exec. */
static void __attribute__((noreturn))
become(const char *program, const struct runsc_request *request, int words, pid_t parent)
{
	char signal_number[16], root[RUNSC_ROOT_SIZE], id[RUNSC_ID_SIZE];
	char name[] = "runsc", root_option[] = "--root", command[] = "kill";
	char *arguments[] = {name, root_option, root, command, id, signal_number, NULL};
	char *environment[] = {NULL};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(words, STDERR_FILENO) < 0)
		_exit(127);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	(void)snprintf(signal_number, sizeof(signal_number), "%d", request->signal);
	memcpy(root, request->root, sizeof(root));
	memcpy(id, request->id, sizeof(id));
	(void)execve(program, arguments, environment);
	(void)dprintf(STDERR_FILENO, "cannot run %s: %s", program, strerror(errno));
	_exit(127);
}

/* The first of what it says; the rest is read, and forgotten. False: it says no more. */
static bool read_words(int fd, char text[RUNSC_TEXT_SIZE])
{
	size_t len = strlen(text);
	char chunk[RUNSC_TEXT_SIZE];
	ssize_t got = read(fd, chunk, sizeof(chunk) - 1);

	if (got < 0)
		return errno == EINTR;
	chunk[got] = '\0';
	(void)snprintf(text + len, RUNSC_TEXT_SIZE - len, "%s", chunk);
	return got > 0;
}

static int left_ms(uint64_t end_ns)
{
	uint64_t now_ns = clock_boot_ns();

	return now_ns >= end_ns ? 0 : (int)((end_ns - now_ns) / NS_PER_MS) + 1;
}

/* Until it has ended; what it leaves behind may hold its stderr for longer. */
static int await_end(int pidfd, int words, char text[RUNSC_TEXT_SIZE])
{
	struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = words, .events = POLLIN}};
	uint64_t end_ns = clock_boot_ns() + RUNSC_LIMIT_MS * NS_PER_MS;

	for (;;) {
		int left = left_ms(end_ns);
		int count = left ? poll(fds, 2, left) : 0;

		if (count == 0)
			return -ETIMEDOUT;
		if (count > 0 && fds[1].revents && !read_words(words, text))
			fds[1].fd = -1;
		else if (count > 0 && fds[0].revents && !fds[1].revents)
			return 0;
	}
}

static int take_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EIO;
}

static int run(const char *program, const struct runsc_request *request, char text[RUNSC_TEXT_SIZE])
{
	_cleanup_close_ int words = -1, theirs = -1, pidfd = -1;
	pid_t parent = getpid(), pid;
	int fds[2], err, ended;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	words = fds[0];
	theirs = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(program, request, theirs, parent);
	cleanup_close(&theirs);
	theirs = -1;
	pidfd = pidfd_open_process(pid);
	err = pidfd < 0 ? pidfd : await_end(pidfd, words, text);
	if (err)
		(void)kill(pid, SIGKILL); /* our own child, not yet reaped */
	ended = take_status(pid);
	return err ? err : ended;
}

static void answer(const struct runsc_request *request, const char *const *programs,
		   struct runsc_result *ret_result)
{
	const char *program = find_program(programs);

	*ret_result = (struct runsc_result){.number = request->number, .err = -ENOENT};
	if (runsc_request_check(request) < 0)
		ret_result->err = -EINVAL;
	else if (program)
		ret_result->err = run(program, request, ret_result->text);
}

void runsc_child_run(int fd, const char *const *programs)
{
	struct runsc_request request;
	struct runsc_result result;
	ssize_t got;

	for (;;) {
		got = recv(fd, &request, sizeof(request), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof(request))
			_exit(0);
		answer(&request, programs, &result);
		if (send(fd, &result, sizeof(result), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}
