/*
 * leader-first THREADS STATUS [FIFO]
 *
 * A process whose leader thread exits first, and whose last worker, under a name of its own, ends
 * it with STATUS. Many tools take "the thread whose id is the process id has exited" for the end of
 * the process; here that is wrong by design. With FIFO the last worker waits for a line from it, so
 * that a test can look at the process while its leader is dead and its work goes on.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_t leader;
static atomic_int workers_left;
static int status;
static const char *fifo;

static void wait_for_line(void)
{
	char line;
	int fd = open(fifo, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &line, 1) != 1)
		err(99, "%s", fifo);
}

static void *work(void *is_first)
{
	prctl(PR_SET_NAME, "worker");
	/* Only one thread may join another; this one returns once the leader is no longer alive. */
	if (is_first)
		pthread_join(leader, NULL);
	if (atomic_fetch_sub(&workers_left, 1) > 1)
		syscall(SYS_exit, 98);
	if (fifo)
		wait_for_line();
	syscall(SYS_exit_group, status);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t worker;

	if (argc < 3)
		errx(99, "usage: leader-first THREADS STATUS [FIFO]");
	leader = pthread_self();
	workers_left = atoi(argv[1]) - 1;
	status = atoi(argv[2]);
	fifo = argv[3];
	for (int i = 1; i < atoi(argv[1]); i++)
		if (pthread_create(&worker, NULL, work, i == 1 ? &leader : NULL))
			errx(99, "cannot start a thread");
	/* Not pthread_exit(): a static program cannot load the library it unwinds with. */
	syscall(SYS_exit, 97);
}
