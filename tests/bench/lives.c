// SPDX-License-Identifier: Apache-2.0
/*
 * lives HIERARCHY COUNT
 *
 * The lives of COUNT containers, one after another, as quickly as the kernel makes them: a cgroup
 * with a runtime's name, a PID namespace, an init called `lives-init` that starts one task and
 * never ends by itself. The task exits at once; lastout is expected to end init. Without a
 * runtime, whose own work would take a hundred times longer than what is measured.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal)
{
	(void)signal;
	_exit(0);
}

static int init_main(void)
{
	signal(SIGTERM, end);
	if (fork() == 0) {
		usleep(5000); /* until the agent knows the container */
		_exit(3);
	}
	for (;;) {
		if (wait(NULL) < 0)
			pause();
	}
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

static void live(const char *cgroup)
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
		execl("/proc/self/exe", "lives-init", (char *)NULL);
		_exit(127);
	}
	write_pid(cgroup, pid);
	close(go[0]);
	close(go[1]);
	waitpid((pid_t)pid, NULL, 0);
	while (rmdir(cgroup) < 0)
		usleep(1000); /* the dying are still in it */
}

int main(int argc, char **argv)
{
	char parent[256], cgroup[512];

	if (strcmp(argv[0], "lives-init") == 0)
		return init_main();
	if (argc != 3)
		errx(2, "usage: lives HIERARCHY COUNT");
	snprintf(parent, sizeof(parent), "%s/lives-%d", argv[1], getpid());
	if (mkdir(parent, 0755) < 0)
		err(1, "%s", parent);
	for (int i = 0; i < atoi(argv[2]); i++) {
		snprintf(cgroup, sizeof(cgroup), "%s/runc-life-%d.scope", parent, i);
		live(cgroup);
	}
	if (rmdir(parent) < 0)
		err(1, "%s", parent);
	return 0;
}
