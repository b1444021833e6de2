/*
 * exits many COUNT     makes COUNT processes that end in ten ways, in turn
 * exits as KIND N      ends in that way itself; N varies the code or the signal
 *
 * The known workload: `many` waits for each process by wait4 and prints what the kernel told their
 * parent, one JSON object a line, so that what lastout tells can be compared exactly, number by
 * number. One process of each kind is in flight at a time, so that they race as they do in life.
 * Call it by its full path: two kinds execute it again, and the command name must stay the same.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *own_path;
static pthread_t leader;

static void end_with_code(int n)
{
	_exit(n & 0xff);
}

static void end_by_signal(int n)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGALRM, SIGUSR1};

	raise(signals[n % 6]);
}

static void end_by_kill(int n)
{
	(void)n;
	raise(SIGKILL);
}

static void end_by_realtime_signal(int n)
{
	raise(SIGRTMIN + n % 8);
}

static void end_by_abort(int n)
{
	(void)n;
	abort();
}

static void end_by_fault(int n)
{
	volatile int *volatile nowhere = NULL;

	(void)n;
	*nowhere = 0;
}

static void *fault_in_thread(void *unused)
{
	end_by_fault(0);
	return unused;
}

/* The core dump ends the other threads; the status must still be the one of the fault. */
static void end_by_fault_of_worker(int n)
{
	pthread_t worker;

	(void)n;
	pthread_create(&worker, NULL, fault_in_thread, NULL);
	for (;;)
		pause();
}

static void *exit_after_leader(void *n)
{
	pthread_join(leader, NULL);
	syscall(SYS_exit, *(int *)n & 0xff);
	return NULL;
}

/* Nobody calls exit_group: which thread's status counts differs between kernels. */
static void end_leader_first(int n)
{
	pthread_t worker;

	leader = pthread_self();
	pthread_create(&worker, NULL, exit_after_leader, &n);
	syscall(SYS_exit, 3);
}

static void end_by_exec(int n)
{
	char number[16];
	char *argv[] = {own_path, "as", "code", number, NULL};

	snprintf(number, sizeof(number), "%d", n);
	execv(own_path, argv);
	_exit(127);
}

static void *exec_in_thread(void *n)
{
	end_by_exec(*(int *)n);
	return NULL;
}

/* The old leader's thread ends at the exec, under the process id, and the process lives on. */
static void end_by_exec_of_worker(int n)
{
	pthread_t worker;

	pthread_create(&worker, NULL, exec_in_thread, &n);
	for (;;)
		pause();
}

static const struct kind {
	const char *name;
	void (*end)(int n);
	bool has_core;
	bool is_vforked;
} kinds[] = {
	{"code", end_with_code, false, false},
	{"signal", end_by_signal, false, false},
	{"kill", end_by_kill, false, false},
	{"realtime", end_by_realtime_signal, false, false},
	{"abort", end_by_abort, false, false},
	{"core", end_by_fault, true, false},
	{"worker_core", end_by_fault_of_worker, true, false},
	{"leader_first", end_leader_first, false, false},
	{"worker_exec", end_by_exec_of_worker, false, false},
	{"vfork_exec", end_by_exec, false, true},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Only ever up to the hard limit: going past it needs a capability that few hosts give. */
static void allow_core(bool is_allowed)
{
	struct rlimit limit;

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = is_allowed ? limit.rlim_max : 0;
	setrlimit(RLIMIT_CORE, &limit);
}

static void end_as(const struct kind *kind, int n)
{
	allow_core(kind->has_core);
	kind->end(n);
	_exit(99);
}

static pid_t start(const struct kind *kind, int n)
{
	pid_t pid;

	if (kind->is_vforked) {
		pid = vfork();
		if (pid == 0)
			kind->end(n);
	} else {
		pid = fork();
		if (pid == 0)
			end_as(kind, n);
	}
	if (pid < 0)
		err(1, "fork");
	return pid;
}

static void report(pid_t pid, const struct kind *kind)
{
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) != pid)
		err(1, "wait4");
	printf("{\"pid\": %d, \"kind\": \"%s\", \"status\": %d, \"maxrss_kb\": %ld}\n", pid,
	       kind->name, status, usage.ru_maxrss);
}

static void make_many(int count)
{
	pid_t pids[KINDS];

	for (int first = 0; first < count; first += KINDS) {
		int batch = count - first < KINDS ? count - first : KINDS;

		for (int i = 0; i < batch; i++)
			pids[i] = start(&kinds[i], first / KINDS);
		for (int i = 0; i < batch; i++)
			report(pids[i], &kinds[i]);
	}
}

int main(int argc, char **argv)
{
	own_path = argv[0];
	if (argc == 3 && strcmp(argv[1], "many") == 0) {
		make_many(atoi(argv[2]));
		return 0;
	}
	for (int i = 0; argc == 4 && i < KINDS; i++)
		if (strcmp(argv[2], kinds[i].name) == 0)
			end_as(&kinds[i], atoi(argv[3]));
	errx(2, "usage: exits many COUNT | exits as KIND N");
}
