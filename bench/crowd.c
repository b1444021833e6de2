// SPDX-License-Identifier: Apache-2.0
/*
 * crowd HIERARCHY CONTAINERS TASKS
 *
 * Containers without a runtime, and nothing that happens in them: in each a PID 1 of its own PID
 * namespace, and its share of TASKS. Says `ready` on its standard error when all of them are there, and
 * takes them away when its standard input ends.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char parent[256];

static void cgroup_path(char *path, size_t size, int i)
{
	snprintf(path, size, "%s/runc-crowd-%d.scope", parent, i);
}

/* Its end ends its tasks, and the crowd's end ends it. Standard output is the pipe that says so. */
static void init_main(int tasks)
{
	pid_t pid = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < tasks && pid > 0; i++)
		pid = fork();
	if (pid < 0)
		err(1, "fork");
	close(STDOUT_FILENO);
	for (;;)
		pause();
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

static pid_t start(int i, int tasks, int all)
{
	char cgroup[512], count[16], byte;
	int go[2];
	long pid;

	cgroup_path(cgroup, sizeof(cgroup), i);
	snprintf(count, sizeof(count), "%d", tasks);
	if (mkdir(cgroup, 0755) < 0 || pipe2(go, O_CLOEXEC) < 0)
		err(1, "%s", cgroup);
	pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		err(1, "clone");
	if (pid == 0) {
		dup2(all, STDOUT_FILENO);
		close(go[1]);
		(void)!read(go[0], &byte, 1);
		execl("/proc/self/exe", "crowd-init", count, (char *)NULL);
		_exit(127);
	}
	write_pid(cgroup, pid);
	close(go[0]);
	close(go[1]);
	return (pid_t)pid;
}

static void take_away(const pid_t *inits, int containers)
{
	char cgroup[512];

	for (int i = 0; i < containers; i++)
		kill(inits[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < containers; i++) {
		cgroup_path(cgroup, sizeof(cgroup), i);
		while (rmdir(cgroup) < 0 && errno == EBUSY)
			usleep(1000); /* the dying are still in it */
	}
	if (rmdir(parent) < 0)
		err(1, "%s", parent);
}

int main(int argc, char **argv)
{
	int containers, tasks, all[2];
	pid_t *inits;
	char byte;

	if (strcmp(argv[0], "crowd-init") == 0)
		init_main(atoi(argv[1]));
	if (argc != 4)
		errx(2, "usage: crowd HIERARCHY CONTAINERS TASKS");
	signal(SIGINT,
	       SIG_IGN); /* Ctrl-C is for all of them, and somebody must take the crowd away */
	containers = atoi(argv[2]);
	tasks = atoi(argv[3]);
	inits = calloc((size_t)containers, sizeof(*inits));
	snprintf(parent, sizeof(parent), "%s/crowd-%d", argv[1], getpid());
	if (!inits || mkdir(parent, 0755) < 0 || pipe2(all, O_CLOEXEC) < 0)
		err(1, "%s", parent);
	for (int i = 0; i < containers; i++)
		inits[i] = start(i, tasks / containers + (i < tasks % containers), all[1]);
	close(all[1]);
	(void)!read(all[0], &byte, 1); /* ends when each of them has closed its own */
	fprintf(stderr, "ready\n");
	(void)!read(STDIN_FILENO, &byte, 1);
	take_away(inits, containers);
	return 0;
}
