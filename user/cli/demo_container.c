// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/commands.h"

#define DEMO_NAME "lastout-demo-"

enum { DEMO_TASK_MS = 1000, DEMO_MAKE_TRIES = 50, DEMO_REMOVE_TRIES = 200, DEMO_REMOVE_MS = 10 };

static void sleep_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
}

/* Whoever holds the lock is alive: the kernel takes it from the dead. -1: in use, or gone. */
static int lock_cgroup(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? STEAL_FD(fd) : -1;
}

static void remove_stale(const struct hierarchy *hierarchy)
{
	_cleanup_closedir_ DIR *folder = opendir(hierarchy->mount);
	const struct dirent *entry;
	char path[sizeof(hierarchy->mount) + sizeof(entry->d_name) + 1];

	while (folder && (entry = readdir(folder))) {
		const char *number = entry->d_name + sizeof(DEMO_NAME) - 1;
		int lock;

		if (strncmp(entry->d_name, DEMO_NAME, sizeof(DEMO_NAME) - 1) != 0 || !*number ||
		    number[strspn(number, "0123456789")])
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", hierarchy->mount, entry->d_name);
		lock = lock_cgroup(path);
		if (lock < 0)
			continue;
		(void)rmdir(path); /* busy: its processes are being killed; the next demo's */
		(void)close(lock);
	}
}

int demo_container_make(struct demo_container *container, const struct hierarchy *hierarchy,
			struct error *error)
{
	memset(container, 0, sizeof(*container));
	container->release = -1;
	container->lock = -1;
	remove_stale(hierarchy);
	(void)snprintf(container->path, sizeof(container->path), "/" DEMO_NAME "%d", getpid());
	(void)snprintf(container->full, sizeof(container->full), "%s%s", hierarchy->mount,
		       container->path);
	for (int i = 0; i < DEMO_MAKE_TRIES; i++) {
		if (mkdir(container->full, 0755) < 0 && errno != EEXIST) {
			container->path[0] = '\0';
			return error_set(error, -errno, "cannot make the cgroup %s: %s",
					 container->full, strerror(errno));
		}
		container->lock = lock_cgroup(container->full);
		if (container->lock >= 0 && access(container->full, F_OK) == 0)
			return 0;
		/* Another demo took it for a stale one before it was locked. */
		cleanup_close(&container->lock);
		container->lock = -1;
		sleep_ms(DEMO_REMOVE_MS);
	}
	return error_set(error, -EBUSY, "other demos remove the cgroup %s", container->full);
}

static int enter_cgroup(const struct demo_container *container, pid_t pid)
{
	_cleanup_close_ int fd = -1;
	char path[640], text[16];
	int len = snprintf(text, sizeof(text), "%d", pid);

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", container->full);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return -errno;
	return 0;
}

/*
 * In the child: waits until it is in the cgroup, then becomes the process manager. It dies with the demo,
 * whatever ends that: killed by the kernel from here on, or without a byte if it was too late for that.
 */
static void become_init(int wait_fd)
{
	struct pollfd parent = {.fd = wait_fd, .events = POLLIN};
	char *const argv[] = {"goproc", NULL};
	char *const envp[] = {NULL};
	ssize_t got;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		got = read(wait_fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got != 1 || (poll(&parent, 1, 0) > 0 && parent.revents & POLLHUP))
		_exit(127);
	(void)execve("/proc/self/exe", argv, envp);
	_exit(127);
}

int demo_container_start(struct demo_container *container, struct error *error)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
	int pipe_fds[2], err;
	long pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		(void)close(pipe_fds[1]);
		become_init(pipe_fds[0]);
	}
	(void)close(pipe_fds[0]);
	container->release = pipe_fds[1];
	if (pid < 0)
		return error_set(error, -errno, "cannot make namespaces: %s", strerror(errno));
	container->init = (pid_t)pid;
	err = enter_cgroup(container, container->init);
	if (err)
		return error_set(error, err, "cannot enter the cgroup %s: %s", container->full,
				 strerror(-err));
	if (write(container->release, "", 1) != 1)
		return error_set(error, -errno, "cannot start the container: %s", strerror(errno));
	return 0;
}

void demo_container_remove(struct demo_container *container)
{
	if (container->init > 0) {
		/* Our own child, not waited for yet: the number is still its. */
		(void)kill(container->init, SIGKILL);
		while (waitpid(container->init, NULL, 0) < 0 && errno == EINTR)
			;
		container->init = 0;
	}
	if (container->release >= 0)
		(void)close(STEAL_FD(container->release));
	/* The cgroup is busy for as long as a dead process's memory is being freed. */
	for (int i = 0; container->path[0] && i < DEMO_REMOVE_TRIES; i++) {
		if (rmdir(container->full) == 0 || errno == ENOENT)
			container->path[0] = '\0';
		else
			sleep_ms(DEMO_REMOVE_MS);
	}
	if (container->lock >= 0)
		(void)close(STEAL_FD(container->lock));
}

static void on_terminate(int signal)
{
	(void)signal;
	_exit(0);
}

/* PID 1 of the container: starts a task, waits for it, and then lives on for ever. */
int demo_init_main(void)
{
	(void)prctl(PR_SET_NAME, "goproc");
	(void)signal(SIGTERM, on_terminate);
	if (fork() == 0) {
		(void)prctl(PR_SET_NAME, "work");
		sleep_ms(DEMO_TASK_MS);
		_exit(0);
	}
	for (;;) {
		if (wait(NULL) < 0)
			(void)pause();
	}
}
