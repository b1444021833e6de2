/*
 * task CODE|-SIGNAL
 *
 * A task for tests that see the container's files and nothing else: creates /tmp/up, waits for
 * /tmp/go, and then exits with CODE or kills itself with SIGNAL. It is one process all the time.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	int end;

	if (argc != 2)
		errx(99, "usage: task CODE|-SIGNAL");
	end = atoi(argv[1]);
	if (close(open("/tmp/up", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) != 0)
		err(99, "/tmp/up");
	while (access("/tmp/go", F_OK) != 0)
		nanosleep(&pause, NULL);
	if (end < 0) {
		raise(-end);
		errx(99, "signal %d does not end a process", -end);
	}
	return end;
}
