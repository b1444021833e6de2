/*
 * soak-life init MODE RESTARTS TASKS SEED FLAGS     as PID 1: a process manager
 * soak-life life SLOT SEED DEPTH FLAGS              a task: forks, threads, names, and at last an end
 * soak-life inject SEED FLAGS                       the same for whoever enters from outside
 *
 * Random lives for tests/soak. Each process has a slot in /c/record, a file that the witness outside
 * reads: whoever makes a process notes its birth before it can live, each notes its end before it
 * ends, and its parent how it has ended, as wait4 says. So what lived when init died has a slot with
 * neither end. Nothing of lastout is asked.
 *   MODE   leave: exits when its task has; term: on SIGTERM; tidy: the same, with a process that
 *          cleans up; deaf: ignores it; recording: notes it, and lives on
 *   FLAGS  h: a helper beside the tasks; o: memory is limited, and one task may take too much
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 4000, DEPTH_MAX = 3, THREADS_MAX = 6 };
enum kind { TASK = 1, INJECTED, TIDY, HELPER };

/* The witness knows this layout: tests/soak/witness.py. */
struct slot {
	uint64_t born_ns;
	uint64_t mark_ns;   /* it is about to end; 0: it is not, or somebody kills it */
	uint64_t reaped_ns; /* its parent was told; 0: not yet, or nobody of ours is */
	uint32_t pid;
	int32_t status; /* as wait4 says */
	uint32_t kind;
	uint32_t pad;
	char comm[16];
	uint64_t pad_too;
};

struct record {
	uint32_t next;
	uint32_t is_complete; /* init starts nobody any more */
	uint64_t term_ns;     /* init was sent SIGTERM */
	uint64_t left_ns;     /* it ended because it wanted to */
	uint64_t pad[5];
	struct slot slots[SLOTS];
};

_Static_assert(sizeof(struct slot) == 64, "witness.py");

static struct record *record;
static const char *flags;
static uint64_t random_state;
static enum kind kind = TASK;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t below(uint32_t end)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(random_state >> 33) % end;
}

static void pause_ms(uint32_t ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
}

static void open_record(void)
{
	int fd = open("/c/record", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	/* The first one, which is init, makes it; for all others this changes nothing. */
	if (fd < 0 || ftruncate(fd, sizeof(*record)) < 0)
		err(98, "/c/record");
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (record == MAP_FAILED)
		err(98, "/c/record");
	close(fd);
}

/* --- the slots --- */

/* NULL: there are no more, so no more processes. */
static struct slot *new_slot(enum kind of)
{
	uint32_t number = __atomic_fetch_add(&record->next, 1, __ATOMIC_SEQ_CST);
	struct slot *slot = &record->slots[number];

	if (number >= SLOTS)
		return NULL;
	slot->kind = of;
	slot->born_ns = now_ns();
	return slot;
}

static void note_reaped(pid_t pid, int status)
{
	uint32_t count = record->next < SLOTS ? record->next : SLOTS;

	for (uint32_t i = count; i-- > 0;) {
		struct slot *slot = &record->slots[i];

		if (slot->pid != (uint32_t)pid || slot->reaped_ns)
			continue;
		slot->status = status;
		slot->reaped_ns = now_ns();
		return;
	}
}

static void reap(pid_t pid)
{
	int status;

	while ((pid = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (pid > 0)
		note_reaped(pid, status);
}

static void note_name(struct slot *slot)
{
	char name[17] = {0};

	prctl(PR_GET_NAME, name);
	memcpy(slot->comm, name, sizeof(slot->comm));
}

static void mark(struct slot *slot)
{
	slot->mark_ns = now_ns();
}

/* In the child 0; in the parent its number, or -1 and its slot is free again. */
static pid_t fork_into(struct slot *slot)
{
	pid_t pid = fork();

	if (pid < 0) {
		slot->reaped_ns = now_ns();
		return pid;
	}
	slot->pid = (uint32_t)(pid ? pid : getpid());
	if (pid == 0)
		random_state ^= (uint64_t)slot->born_ns;
	return pid;
}

/* --- ends --- */

__attribute__((noreturn)) static void end(struct slot *slot)
{
	static const int signals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGTERM, SIGHUP};

	note_name(slot);
	mark(slot);
	if (below(4) == 0) {
		int number = signals[below(5)];

		signal(number, SIG_DFL);
		kill(getpid(), number);
		pause_ms(10);
	}
	_exit(below(3) ? (int)below(256) : 0);
}

static struct slot *threads_slot;
static uint32_t threads_left, threads_code;

static void leave_as_thread(void)
{
	if (__atomic_sub_fetch(&threads_left, 1, __ATOMIC_SEQ_CST) == 0)
		mark(threads_slot);
	syscall(SYS_exit, threads_code);
}

static void *thread(void *ms)
{
	pause_ms((uint32_t)(uintptr_t)ms);
	leave_as_thread();
	return NULL;
}

/* Of several threads, the last of which is any, and the first perhaps the leader. */
__attribute__((noreturn)) static void end_as_threads(struct slot *slot)
{
	uint32_t count = 1 + below(THREADS_MAX);
	pthread_t unused;

	note_name(slot);
	threads_slot = slot;
	threads_code = below(256);
	threads_left = 1;
	for (uint32_t i = 0; i < count; i++) {
		__atomic_add_fetch(&threads_left, 1, __ATOMIC_SEQ_CST);
		if (pthread_create(&unused, NULL, thread, (void *)(uintptr_t)below(120)) != 0)
			__atomic_sub_fetch(&threads_left, 1, __ATOMIC_SEQ_CST);
	}
	pause_ms(below(60));
	leave_as_thread();
	abort();
}

/* --- lives --- */

static void live(struct slot *slot, uint32_t depth);

__attribute__((noreturn)) static void become(const char *path, struct slot *slot, uint32_t depth)
{
	char number[24], seed[24], deep[16];

	snprintf(number, sizeof(number), "%td", slot - record->slots);
	/* Not written: after vfork() it is the parent's. */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)(random_state ^ slot->born_ns));
	snprintf(deep, sizeof(deep), "%u", depth);
	execl(path, path, "life", number, seed, deep, flags, (char *)NULL);
	mark(slot);
	_exit(errno);
}

static void child(uint32_t depth, bool is_awaited)
{
	struct slot *slot = new_slot(kind);
	pid_t pid = slot ? fork_into(slot) : -1;

	if (pid == 0) {
		live(slot, depth + 1);
		end(slot);
	}
	if (pid > 0 && is_awaited)
		reap(pid);
}

/* The daemon's way: its parent ends first, and it has a session of its own. */
static void daemonise(uint32_t depth)
{
	struct slot *slot = new_slot(kind);
	pid_t pid = slot ? fork_into(slot) : -1;

	if (pid == 0) {
		setsid();
		child(depth, false);
		end(slot);
	}
	if (pid > 0)
		reap(pid);
}

static void vfork_and_exec(uint32_t depth, bool is_awaited)
{
	struct slot *slot = new_slot(kind);
	pid_t pid = slot ? vfork() : -1;

	if (pid == 0) {
		slot->pid = (uint32_t)getpid();
		become("/t/soak-life", slot, depth + 1);
	}
	if (slot && pid < 0)
		slot->reaped_ns = now_ns();
	if (pid > 0 && is_awaited)
		reap(pid);
}

static void kill_a_child(void)
{
	struct slot *slot = new_slot(kind);
	pid_t pid = slot ? fork_into(slot) : -1;

	if (pid == 0) {
		for (;;)
			pause();
	}
	if (pid < 0)
		return;
	pause_ms(below(30));
	kill(pid, SIGKILL);
	reap(pid);
}

static void take_memory(void)
{
	struct slot *slot = new_slot(kind);
	pid_t pid = slot ? fork_into(slot) : -1;
	int fd;

	if (pid == 0) {
		fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "1000", 4) < 0)
			end(slot);
		for (int i = 0; i < 256; i++) {
			char *more = malloc(1 << 20);

			if (more)
				memset(more, 1, 1 << 20);
		}
		end(slot);
	}
	if (pid > 0)
		reap(pid);
}

static void rename_self(void)
{
	char name[16] = {0};

	for (uint32_t i = 0; i < 1 + below(14); i++)
		name[i] = (char)(1 + below(255));
	prctl(PR_SET_NAME, name);
}

static void live(struct slot *slot, uint32_t depth)
{
	uint32_t steps = 1 + below(4);

	for (uint32_t i = 0; i < steps; i++) {
		uint32_t what = below(12);

		pause_ms(below(3) ? below(80) : 0);
		if (what == 0)
			rename_self();
		else if (what == 1 && strchr(flags, 'o'))
			take_memory();
		else if (depth >= DEPTH_MAX)
			continue;
		else if (what <= 4)
			child(depth, below(2));
		else if (what == 5)
			daemonise(depth);
		else if (what <= 7)
			vfork_and_exec(depth, below(2));
		else if (what == 8)
			kill_a_child();
		else if (what == 9)
			become("/t/soak-life", slot, depth + 1);
		else if (what == 10)
			end_as_threads(slot);
	}
}

/* --- PID 1 --- */

static const char *mode;

static void on_term(int number)
{
	(void)number;
	if (!record->term_ns)
		record->term_ns = now_ns();
	if (strcmp(mode, "recording") == 0)
		return;
	if (strcmp(mode, "tidy") == 0) {
		struct slot *slot = new_slot(TIDY);
		pid_t pid = slot ? fork_into(slot) : -1;

		if (pid == 0) {
			pause_ms(20);
			_exit(0);
		}
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	_exit(3);
}

static void on_child(int number)
{
	(void)number; /* only to end a pause() */
}

/* A program of that name is a helper. */
static void start_helper(const char *self)
{
	struct slot *slot = new_slot(HELPER);
	pid_t pid;

	if (link(self, "/c/s6-log") < 0 && errno != EEXIST)
		err(98, "link");
	pid = slot ? fork_into(slot) : -1;
	if (pid == 0) {
		execl("/c/s6-log", "s6-log", "sleep", (char *)NULL);
		slot->kind = TASK; /* after all */
		mark(slot);
		_exit(errno);
	}
}

static pid_t start_task(void)
{
	struct slot *slot = new_slot(TASK);
	pid_t pid = slot ? fork_into(slot) : -1;

	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGCHLD, SIG_DFL);
		if (below(2))
			become("/t/soak-life", slot, 0);
		live(slot, 0);
		end(slot);
	}
	return pid;
}

static int manage(const char *self, long restarts, long tasks)
{
	struct sigaction action = {.sa_handler = on_term};
	pid_t program = 0, ended;
	int status;

	if (strcmp(mode, "deaf") == 0)
		action.sa_handler = SIG_IGN;
	sigaction(SIGTERM, &action, NULL);
	action.sa_handler = on_child;
	sigaction(SIGCHLD, &action, NULL);
	if (strchr(flags, 'h'))
		start_helper(self);
	for (long i = 0; i < tasks; i++)
		program = start_task();
	record->is_complete = restarts == 0;
	for (;;) {
		ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno == ECHILD)
			pause();
		if (ended <= 0)
			continue;
		note_reaped(ended, status);
		if (ended != program)
			continue;
		if (restarts > 0) {
			pause_ms(below(60));
			program = start_task();
			record->is_complete = --restarts == 0;
		} else if (strcmp(mode, "leave") == 0) {
			record->left_ns = now_ns();
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit none = {0};
	struct slot *slot;

	setrlimit(RLIMIT_CORE, &none);
	if (argc == 2 && strcmp(argv[1], "sleep") == 0)
		for (;;)
			pause();
	open_record();
	flags = argv[argc - 1];
	if (argc == 7 && strcmp(argv[1], "init") == 0) {
		mode = argv[2];
		random_state = strtoull(argv[5], NULL, 10);
		return manage(argv[0], atol(argv[3]), atol(argv[4]));
	}
	if (argc == 6 && strcmp(argv[1], "life") == 0) {
		slot = &record->slots[atol(argv[2])];
		random_state = strtoull(argv[3], NULL, 10);
		kind = slot->kind;
		live(slot, (uint32_t)atol(argv[4]));
		end(slot);
	}
	if (argc == 4 && strcmp(argv[1], "inject") == 0) {
		random_state = strtoull(argv[2], NULL, 10);
		kind = INJECTED;
		slot = new_slot(kind);
		if (!slot)
			return 0;
		slot->pid = (uint32_t)getpid();
		live(slot, 2);
		end(slot);
	}
	errx(99, "see the head of soak-life.c");
}
