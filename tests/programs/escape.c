/*
 * escape HOW FIFO STATUS [NAME]
 *
 * A task that stops looking like the process its manager started, waits for a line from FIFO and
 * exits with STATUS. HOW is `daemon` (double fork and setsid: its parent is PID 1, its session its
 * own), `vfork` (vfork and exec, and the parent leaves), or `rename` (takes NAME, any bytes, for
 * its command name). In each case it is still the container's work.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void stay(const char *fifo, const char *status)
{
	char line;
	int fd = open(fifo, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &line, 1) != 1)
		err(99, "%s", fifo);
	_exit(atoi(status));
}

static void leave_parent_behind(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(99, "fork");
	if (pid > 0)
		_exit(0);
}

static void become_daemon(void)
{
	leave_parent_behind();
	if (setsid() < 0)
		err(99, "setsid");
	leave_parent_behind();
}

static void vfork_and_leave(char *own_path, char *fifo, char *status)
{
	char *argv[] = {own_path, "stay", fifo, status, NULL};

	if (vfork() == 0) {
		execv(own_path, argv);
		_exit(99);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(99, "usage: escape daemon|vfork|rename|stay FIFO STATUS [NAME]");
	if (strcmp(argv[1], "daemon") == 0)
		become_daemon();
	else if (strcmp(argv[1], "vfork") == 0)
		vfork_and_leave(argv[0], argv[2], argv[3]);
	else if (strcmp(argv[1], "rename") == 0 && argc == 5)
		prctl(PR_SET_NAME, argv[4]);
	stay(argv[2], argv[3]);
}
