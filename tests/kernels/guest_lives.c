// SPDX-License-Identifier: Apache-2.0
/*
 * Containers from inside: what their inits and tasks do. Each init starts something, reaps, and
 * stays; asked to end it does, except where the life says otherwise.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

enum { CHURN_MS = 5000, CHURN_THREADS = 8, CHURN_AT_ONCE = 3 };

static void tell(void)
{
	(void)!write(LIFE_TOLD_FD, "t", 1); /* the guest misses it, and says so */
}

static void await_go(void)
{
	char byte;

	while (read(LIFE_GO_FD, &byte, 1) < 0 && errno == EINTR)
		;
}

/* In the child its name is `name`, and asked to end it does. */
static pid_t fork_named(const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		_exit(126);
	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)prctl(PR_SET_NAME, name);
	}
	return pid;
}

static void start_task(int code)
{
	if (fork_named("task") != 0)
		return;
	tell();
	await_go();
	_exit(code);
}

/* --- lives: in the parent they return, but for one --- */

static void live_work(void)
{
	start_task(7);
}

static void live_stubborn(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	start_task(7);
}

/* A task that leaves its work to an orphan in a session of its own. */
static void live_daemon(void)
{
	if (fork_named("task") != 0)
		return;
	(void)setsid();
	start_task(5);
	_exit(1);
}

/* The first task's end is not the last: init starts another. */
static void live_respawn(void)
{
	start_task(1);
	(void)wait(NULL);
	start_task(6);
}

static void live_helper(void)
{
	if (fork_named("s6-supervise") == 0) {
		(void)close(LIFE_TOLD_FD);
		for (;;)
			(void)pause();
	}
	start_task(8);
}

/* Its leader ends at once; a worker under another name ends the process, when told to. */
static void live_threads(void)
{
	char *const argv[] = {"leader-first", "4", "9", "/proc/thread-self/fd/3", NULL};

	if (fork_named("task") != 0)
		return;
	tell();
	(void)execv("/bin/leader-first", argv);
	_exit(127);
}

static void live_vfork(void)
{
	char *const argv[] = {"/bin/exits", "as", "code", "11", NULL};

	if (fork_named("task") != 0)
		return;
	tell();
	await_go();
	if (vfork() == 0) {
		(void)execv(argv[0], argv);
		_exit(127);
	}
	(void)wait(NULL);
	_exit(12);
}

/* Twenty processes, nobody waits for anybody: which one is last is open. */
static void live_tree(void)
{
	if (fork_named("task") != 0)
		return;
	tell();
	await_go();
	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		for (int j = 0; j < 4; j++)
			if (fork() == 0)
				_exit(13);
		_exit(13);
	}
	_exit(13);
}

/* Its init makes no system call any more, once the task is over. */
static void live_spin(void)
{
	volatile char *is_over = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				      -1, 0);
	const struct timespec time = {0, 10 * 1000000};

	if (is_over == MAP_FAILED)
		_exit(126);
	if (fork_named("task") == 0) {
		tell();
		await_go();
		*is_over = 1;
		_exit(17);
	}
	(void)close(LIFE_TOLD_FD);
	while (!*is_over)
		(void)nanosleep(&time, NULL);
	for (;;)
		;
}

static void *end_thread(void *how)
{
	if (how)
		syscall(SYS_exit_group, 3);
	syscall(SYS_exit, 2);
	return NULL;
}

/* A process of several threads that end at about the same time. */
static void end_with_threads(int how)
{
	pthread_t thread;

	for (int i = 1; i < CHURN_THREADS; i++)
		if (pthread_create(&thread, NULL, end_thread, how == i ? &thread : NULL))
			break;
	syscall(SYS_exit, 2);
}

/* Makes the kernel busy with exits for a while, then ends like any task. */
static void live_churn(void)
{
	int64_t end = now_ms() + CHURN_MS;
	int living = 0;

	if (fork_named("task") != 0)
		return;
	tell();
	await_go();
	for (int i = 0; now_ms() < end; i++) {
		if (fork() == 0)
			end_with_threads(i % (CHURN_THREADS * 2));
		if (++living == CHURN_AT_ONCE && wait(NULL) > 0)
			living--;
	}
	while (wait(NULL) > 0)
		;
	end_with_threads(0);
}

static const struct {
	const char *name;
	void (*live)(void);
} lives[] = {
	{"work", live_work},	   {"stubborn", live_stubborn}, {"daemon", live_daemon},
	{"respawn", live_respawn}, {"helper", live_helper},	{"threads", live_threads},
	{"vfork", live_vfork},	   {"tree", live_tree},		{"churn", live_churn},
	{"spin", live_spin},
};

static void leave(int signal)
{
	(void)signal;
	_exit(LIFE_INIT_CODE);
}

int life_main(const char *life)
{
	(void)signal(SIGTERM, leave);
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		if (strcmp(lives[i].name, life) == 0)
			lives[i].live();
	/* So that told ends with the tasks. */
	(void)close(LIFE_TOLD_FD);
	for (;;)
		if (wait(NULL) < 0)
			(void)pause();
}
