// SPDX-License-Identifier: Apache-2.0
/*
 * Containers from outside: a cgroup with a name that lastout knows, and an init in namespaces of its
 * own. No runtime, whose own processes would only blur what is tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static void cgroup_path(const struct box *box, const char *below, char path[static 160])
{
	(void)snprintf(path, 160, "%s/lastout-demo-%s", below, box->id);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	(void)close(fd);
}

static void move_to(const char *cgroup, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	write_file(cgroup, "cgroup.procs", text);
}

/* `into`: the cgroup to begin in, or -1. */
static pid_t clone_process(uint64_t flags, int into)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	long pid;

	if (into >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)into;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		err(1, "clone3");
	return (pid_t)pid;
}

static int open_cgroup(const struct box *box, const struct ground *ground)
{
	char path[160];
	int fd;

	cgroup_path(box, ground->containers, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(1, "pipe");
	*ret_read = fds[0];
	*ret_write = fds[1];
}

/* In the child: waits until it is where it belongs, then becomes the container's init. */
static void become_init(const struct box *box, int gate, int go, int told)
{
	char *const argv[] = {(char *)box->name, "life", (char *)box->life, NULL};
	char *const envp[] = {NULL};
	char byte;

	(void)!read(gate, &byte, 1); /* ends when the parent closes the other end */
	/* Out of the way of the two places first. */
	go = fcntl(go, F_DUPFD_CLOEXEC, 10);
	told = fcntl(told, F_DUPFD_CLOEXEC, 10);
	(void)dup2(go, LIFE_GO_FD);
	(void)dup2(told, LIFE_TOLD_FD);
	(void)execve("/init", argv, envp);
	_exit(127);
}

void box_make(struct box *box, const struct ground *ground)
{
	const uint64_t flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	int gate[2], go, told, into = -1;
	char path[160];

	cgroup_path(box, ground->containers, path);
	if (mkdir(path, 0755) < 0)
		err(1, "%s", path);
	make_pipe(&gate[0], &gate[1]);
	make_pipe(&go, &box->go);
	make_pipe(&box->told, &told);
	if (box->is_cloned_into)
		into = open_cgroup(box, ground);
	box->init = clone_process(flags, into);
	if (box->init == 0) {
		(void)close(gate[1]);
		become_init(box, gate[0], go, told);
	}
	if (into >= 0)
		(void)close(into);
	else
		move_to(path, box->init);
	if (ground->freezer) {
		cgroup_path(box, ground->freezer, path);
		if (mkdir(path, 0755) < 0)
			err(1, "%s", path);
		move_to(path, box->init);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	(void)close(go);
	(void)close(told);
}

void box_go(const struct box *box)
{
	if (write(box->go, "g", 1) != 1)
		err(1, "%s: go", box->id);
}

/* 1: a byte, 0: the end, -1: neither in time. */
static int read_told(const struct box *box)
{
	struct pollfd fd = {.fd = box->told, .events = POLLIN};
	int64_t deadline = now_ms() + GUEST_DEADLINE_MS;
	char byte;

	while (poll(&fd, 1, (int)(deadline - now_ms())) < 0 && errno == EINTR)
		;
	return fd.revents ? (int)read(box->told, &byte, 1) : -1;
}

bool box_await(const struct box *box)
{
	return check(read_told(box) == 1, "%s: a step was not taken in time", box->id);
}

bool box_await_tasks_end(const struct box *box)
{
	return check(read_told(box) == 0, "%s: its tasks did not end in time", box->id);
}

static void pause_shortly(void)
{
	const struct timespec time = {0, 10 * 1000000};

	(void)nanosleep(&time, NULL);
}

bool box_is_alive(struct box *box)
{
	pid_t got;

	if (box->is_ended)
		return false;
	got = waitpid(box->init, &box->status, WNOHANG);
	box->is_ended = got == box->init;
	return !box->is_ended;
}

bool box_await_end(struct box *box)
{
	int64_t deadline = now_ms() + GUEST_DEADLINE_MS;

	while (box_is_alive(box) && now_ms() < deadline)
		pause_shortly();
	return box->is_ended;
}

void box_enter(struct box *box, const struct ground *ground)
{
	int into = box->is_cloned_into ? open_cgroup(box, ground) : -1;
	char path[160];

	box->entered = clone_process(0, into);
	if (box->entered == 0)
		for (;;)
			(void)pause();
	if (into >= 0) {
		(void)close(into);
		return;
	}
	cgroup_path(box, ground->containers, path);
	move_to(path, box->entered);
}

void box_leave(struct box *box)
{
	if (!box->entered)
		return;
	(void)kill(box->entered, SIGKILL);
	(void)waitpid(box->entered, NULL, 0);
	box->entered = 0;
}

static bool file_has(const char *directory, const char *name, const char *word)
{
	char path[256], text[256];
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	return strstr(text, word);
}

void box_freeze(const struct box *box, const struct ground *ground, bool is_frozen)
{
	int64_t deadline = now_ms() + GUEST_DEADLINE_MS;
	const char *file = "cgroup.events", *word = is_frozen ? "frozen 1" : "frozen 0";
	char path[160];

	cgroup_path(box, ground->freezer ? ground->freezer : ground->containers, path);
	if (ground->freezer) {
		file = "freezer.state";
		word = is_frozen ? "FROZEN" : "THAWED";
		write_file(path, file, word);
	} else {
		write_file(path, "cgroup.freeze", is_frozen ? "1" : "0");
	}
	while (!file_has(path, file, word) && now_ms() < deadline)
		pause_shortly();
	check(file_has(path, file, word), "%s: no %s", box->id, word);
}

static void remove_cgroup(const struct box *box, const char *below)
{
	int64_t deadline = now_ms() + GUEST_DEADLINE_MS;
	char path[160];
	int error;

	cgroup_path(box, below, path);
	/* Busy for as long as a dead process is being taken apart. */
	while ((error = rmdir(path)) < 0 && errno == EBUSY && now_ms() < deadline)
		pause_shortly();
	if (error < 0)
		err(1, "rmdir %s", path);
}

void box_remove(struct box *box, const struct ground *ground)
{
	box_leave(box);
	if (box_is_alive(box))
		(void)kill(box->init, SIGKILL); /* our child, not waited for: the number is its */
	check(box_await_end(box), "%s: init did not end", box->id);
	(void)close(box->go);
	(void)close(box->told);
	remove_cgroup(box, ground->containers);
	if (ground->freezer)
		remove_cgroup(box, ground->freezer);
}
