/*
 * storm wide|chain COUNT
 * storm hold COUNT FIFO
 *
 * Processes that come and go as fast as the kernel makes them, to show that the count of a
 * container's tasks never dips to zero while one lives. `wide`: one parent forks COUNT children,
 * up to 64 at a time. `chain`: each process forks its successor and exits, so that there are
 * only a few, and often one: the count would dip at every link if a child were counted only once
 * it ran. The last link waits until it is alone and exits with 42. `hold`: COUNT children live until
 * there is a line in FIFO, for tables that are full.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 64, LAST_LINK = 42 };

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(99, "fork");
	return pid;
}

static int wide(long count)
{
	long living = 0;

	for (long i = 0; i < count; i++) {
		if (fork_or_die() == 0)
			_exit((int)(i & 0x7f));
		if (++living == AT_ONCE && wait(NULL) > 0)
			living--;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static int chain(long count)
{
	int ends[2];
	char nothing;

	if (pipe(ends) < 0)
		err(99, "pipe");
	for (long i = 1; i < count; i++)
		if (fork_or_die() != 0)
			_exit(0);
	/* The end of the file comes when nobody else has the writing end any more. */
	close(ends[1]);
	if (read(ends[0], &nothing, 1) != 0)
		err(99, "read");
	return LAST_LINK;
}

static int hold(long count, const char *path)
{
	int ends[2], fifo;
	char line;

	if (pipe(ends) < 0)
		err(99, "pipe");
	for (long i = 0; i < count; i++) {
		if (fork_or_die() != 0)
			continue;
		close(ends[1]);
		_exit(read(ends[0], &line, 1) != 0);
	}
	fifo = open("/c/up", O_WRONLY);
	if (fifo < 0 || dprintf(fifo, "%d\n", getpid()) < 0)
		err(99, "/c/up");
	fifo = open(path, O_RDONLY);
	if (fifo < 0 || read(fifo, &line, 1) != 1)
		err(99, "%s", path);
	close(ends[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		_exit(hold(atol(argv[2]), argv[3]));
	if (argc != 3)
		errx(99, "usage: storm wide|chain COUNT, storm hold COUNT FIFO");
	_exit(strcmp(argv[1], "chain") == 0 ? chain(atol(argv[2])) : wide(atol(argv[2])));
}
