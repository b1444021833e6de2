/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit-open FILE FIFO THREADS STATUS [MEGABYTES]
 *
 * Waits for a line from FIFO and exits with STATUS while FILE is open and has been written to, so that
 * the kernel flushes it in the exit. With two THREADS the leader has exited long before, and the last
 * worker flushes. MEGABYTES of memory take the kernel a while to free.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *fifo;
static int status;
static char *volatile held; /* or the compiler leaves it out */

static void *wait_and_exit(void *leader)
{
	char line;
	int fd;

	if (leader)
		pthread_join(*(pthread_t *)leader, NULL);
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &line, 1) != 1)
		err(99, "%s", fifo);
	syscall(SYS_exit_group, status);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t leader;
	pthread_t worker;
	size_t held_bytes;
	int fd;

	if (argc < 5)
		errx(99, "usage: exit-open FILE FIFO THREADS STATUS [MEGABYTES]");
	held_bytes = argc > 5 ? strtoul(argv[5], NULL, 10) << 20 : 1;
	held = malloc(held_bytes);
	if (!held)
		err(99, "memory");
	leader = pthread_self();
	fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, "work\n", 5) != 5)
		err(99, "%s", argv[1]);
	memset(held, 1, held_bytes);
	fifo = argv[2];
	status = atoi(argv[4]);
	if (atoi(argv[3]) == 1)
		wait_and_exit(NULL);
	if (pthread_create(&worker, NULL, wait_and_exit, &leader))
		errx(99, "cannot start a thread");
	syscall(SYS_exit,
		97); /* pthread_exit() needs a library that a static program cannot load */
}
