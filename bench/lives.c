// SPDX-License-Identifier: Apache-2.0
/*
 * lives HIERARCHY COUNT FILE
 * lives in CGROUP COMMAND...
 *
 * The lives of COUNT containers, one after another, as quickly as the kernel makes them: a cgroup
 * with a runtime's name, a PID namespace, an init called `lives-init` that starts one task and
 * never ends by itself. The task exits at once; lastout is expected to end init. Without a
 * runtime, whose own work would take a hundred times longer than what is measured. Each life adds a
 * line to FILE: the nanoseconds from its task's last act to the signal in init, as they see it.
 *
 * `in` runs COMMAND as the one task of one such container, and ends with it.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *file;
static volatile long long *exited_ns;

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Nothing else runs in init by now, so it may print here. */
static void end(int signal)
{
	long long took = now_ns() - *exited_ns;
	int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);

	(void)signal;
	dprintf(fd, "%lld\n", took);
	_exit(0);
}

static int init_main(const char *path)
{
	file = path;
	prctl(PR_SET_NAME, "lives-init"); /* an exec by /proc/self/exe has named it `exe` */
	exited_ns = mmap(NULL, sizeof(*exited_ns), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (exited_ns == MAP_FAILED)
		err(1, "mmap");
	signal(SIGTERM, end);
	if (fork() == 0) {
		usleep(5000); /* until the agent knows the container */
		*exited_ns = now_ns();
		_exit(3);
	}
	for (;;) {
		if (wait(NULL) < 0)
			pause();
	}
}

static int init_of_one(char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static void write_pid(const char *cgroup, long pid)
{
	char path[600], text[32];
	int fd, len = snprintf(text, sizeof(text), "%ld", pid);

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		err(1, "%s", path);
	close(fd);
}

static void live(const char *cgroup, char **init)
{
	int go[2];
	char byte;
	long pid;

	if (mkdir(cgroup, 0755) < 0 || pipe2(go, O_CLOEXEC) < 0)
		err(1, "%s", cgroup);
	pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		err(1, "clone");
	if (pid == 0) {
		close(go[1]);
		(void)!read(go[0], &byte, 1);
		execv("/proc/self/exe", init);
		_exit(127);
	}
	write_pid(cgroup, pid);
	close(go[0]);
	close(go[1]);
	waitpid((pid_t)pid, NULL, 0);
	while (rmdir(cgroup) < 0)
		usleep(1000); /* the dying are still in it */
}

static void live_many(const char *hierarchy, int count, char *path)
{
	char *init[] = {"lives-init", path, NULL};
	char parent[256], cgroup[512];

	snprintf(parent, sizeof(parent), "%s/lives-%d", hierarchy, getpid());
	if (mkdir(parent, 0755) < 0)
		err(1, "%s", parent);
	for (int i = 0; i < count; i++) {
		snprintf(cgroup, sizeof(cgroup), "%s/runc-life-%d.scope", parent, i);
		live(cgroup, init);
	}
	if (rmdir(parent) < 0)
		err(1, "%s", parent);
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], "lives-init") == 0)
		return init_main(argv[1]);
	if (strcmp(argv[0], "lives-one") == 0)
		return init_of_one(argv + 1);
	if (argc > 3 && strcmp(argv[1], "in") == 0) {
		const char *cgroup = argv[2];

		argv[2] = "lives-one";
		live(cgroup, argv + 2);
		return 0;
	}
	if (argc != 4)
		errx(2, "usage: lives HIERARCHY COUNT FILE | lives in CGROUP COMMAND...");
	close(open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
	live_many(argv[1], atoi(argv[2]), argv[3]);
	return 0;
}
