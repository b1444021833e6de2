/*
 * guest DIR
 *
 * PID 1 of a gVisor container, which a test leads step by step: fifos of the host do not reach into a
 * sandbox, but files do. It takes its next order from DIR/1, then DIR/2, ..., and answers each in
 * DIR/1.done. Orders:
 *   exit N      a child that exits with N, reaped
 *   signal N    a child that is killed by signal N, reaped
 *   zombie N    a child that exits with N, and is not reaped
 *   orphan N    a grandchild that exits with N after its parent
 *   two-exit N, two-signal N    two children at once, which end like that, both reaped
 *   threads N   a child whose leader ends first, and whose worker exits with N
 *   stay        a child that stays until `end`
 *   helper NAME a child that executes under NAME, and stays until `end`
 *   end N       lets who stays exit with N
 *   storm N     N children one after the other; the answer is how many milliseconds that took
 *   exec        executes itself, with another argument, and answers after that
 *   deaf        ignores SIGTERM from here on
 *   leave N     exits with N itself
 *   die N       ends itself by signal N
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STAYING_MOST = 64, POLL_NS = 5000000 };

static pid_t staying[STAYING_MOST];
static int staying_count;
static int worker_code;
static volatile sig_atomic_t end_code = -1;

static void pause_a_moment(void)
{
	struct timespec moment = {0, POLL_NS};

	nanosleep(&moment, NULL);
}

static void on_end(int signal)
{
	/* The signal's number tells the code: real-time signals from SIGRTMIN on. */
	end_code = signal - SIGRTMIN;
}

static void catch_ends(void)
{
	for (int code = 0; code < 16; code++)
		signal(SIGRTMIN + code, on_end);
}

static void stay(void)
{
	sigset_t all, old;

	catch_ends();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	while (end_code < 0)
		sigsuspend(&old);
	_exit(end_code);
}

static void *work(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		pause_a_moment();
	_exit(worker_code);
}

static void leave_the_worker_alone(int code)
{
	pthread_t thread;

	worker_code = code;
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		_exit(99);
	pthread_exit(NULL);
}

static void leave_an_orphan(int code)
{
	if (fork() == 0) {
		while (getppid() != 1)
			pause_a_moment();
		_exit(code);
	}
	_exit(0);
}

static void die_by(int number)
{
	signal(number, SIG_DFL);
	raise(number);
	_exit(98);
}

static pid_t start(void (*child)(int), int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		child(number);
		_exit(97);
	}
	return pid;
}

/* How the one ended that was reaped last. */
static int start_two(void (*child)(int), int number)
{
	int status = 0;

	start(child, number);
	start(child, number);
	wait(&status);
	wait(&status);
	return status;
}

/* Over, and still there. */
static void leave_a_zombie(int code)
{
	siginfo_t unused;

	waitid(P_PID, (id_t)start(_exit, code), &unused, WEXITED | WNOWAIT);
}

static void child_stays(int unused)
{
	(void)unused;
	stay();
}

static void keep(pid_t pid)
{
	if (staying_count < STAYING_MOST)
		staying[staying_count++] = pid;
}

static void start_helper(const char *name)
{
	char path[256];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(path, sizeof(path), "/c/%s", name);
		execl(path, name, "--stay", (char *)NULL);
		_exit(96);
	}
	keep(pid);
}

/* A process that has not set its handlers yet is not told: it is told again. */
static void end_all(int code)
{
	for (int i = 0; i < staying_count; i++)
		while (waitpid(staying[i], NULL, WNOHANG) == 0) {
			kill(staying[i], SIGRTMIN + code);
			pause_a_moment();
		}
	staying_count = 0;
}

static long storm(int count)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < count; i++) {
		pid_t pid = start(_exit, 0);

		waitpid(pid, NULL, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static long carry_out(const char *verb, const char *word)
{
	int number = atoi(word);
	int status = 0;

	if (strcmp(verb, "exit") == 0)
		waitpid(start(_exit, number), &status, 0);
	else if (strcmp(verb, "signal") == 0)
		waitpid(start(die_by, number), &status, 0);
	else if (strcmp(verb, "threads") == 0)
		waitpid(start(leave_the_worker_alone, number), &status, 0);
	else if (strcmp(verb, "orphan") == 0)
		start(leave_an_orphan, number), wait(&status), wait(&status);
	else if (strcmp(verb, "two-exit") == 0)
		return start_two(_exit, number);
	else if (strcmp(verb, "two-signal") == 0)
		return start_two(die_by, number);
	else if (strcmp(verb, "zombie") == 0)
		leave_a_zombie(number);
	else if (strcmp(verb, "stay") == 0)
		catch_ends(), keep(start(child_stays, 0)); /* before it can be told to end */
	else if (strcmp(verb, "helper") == 0)
		start_helper(word);
	else if (strcmp(verb, "end") == 0)
		end_all(number);
	else if (strcmp(verb, "storm") == 0)
		return storm(number);
	else if (strcmp(verb, "deaf") == 0)
		signal(SIGTERM, SIG_IGN);
	else if (strcmp(verb, "leave") == 0)
		_exit(number);
	else if (strcmp(verb, "die") == 0)
		die_by(number);
	else
		errx(95, "unknown order %s", verb);
	return status;
}

/* Orders are renamed into place, and so are whole. */
static FILE *await_order(const char *dir, int number)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d", dir, number);
	while (!(file = fopen(path, "r")))
		pause_a_moment();
	return file;
}

static void answer(const char *dir, int number, long result)
{
	char path[256], temporary[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d.done", dir, number);
	snprintf(temporary, sizeof(temporary), "%s/%d.tmp", dir, number);
	file = fopen(temporary, "w");
	if (!file || fprintf(file, "%ld\n", result) < 0 || fclose(file) != 0 ||
	    rename(temporary, path) < 0)
		err(94, "%s", path);
}

static void execute_again(char **argv, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	execl(argv[0], argv[0], argv[1], text, (char *)NULL);
	err(91, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	int number = 1;

	if (argc > 1 && strcmp(argv[1], "--stay") == 0)
		stay();
	if (argc > 2) {
		number = atoi(argv[2]);
		answer(argv[1], number++, 0);
	}
	for (; argc > 1; number++) {
		FILE *file = await_order(argv[1], number);
		char verb[64] = "", word[64] = "0";

		if (fscanf(file, "%63s %63s", verb, word) < 1)
			errx(93, "no order in %d", number);
		fclose(file);
		if (strcmp(verb, "exec") == 0)
			execute_again(argv, number);
		answer(argv[1], number, carry_out(verb, word));
	}
	return 92;
}
