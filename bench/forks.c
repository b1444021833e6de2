// SPDX-License-Identifier: Apache-2.0
/*
 * forks COUNT SECONDS RATE [CPU]
 *
 * The workload that is all fork and exit: children that end at once, one after another, on one CPU.
 * Ends after COUNT children or SECONDS, whichever is first (0: no such limit), with RATE a second at
 * most (0: as fast as it goes). Prints how many there were, the time they took, and the CPU time that
 * they and their parent were charged, in nanoseconds.
 */
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "CPU %d", cpu);
}

/* Not before its time, so that a late one does not make the next ones hurry. */
static void wait_until(long long at_ns)
{
	struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};

	if (at_ns > now_ns())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void make_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		err(1, "fork");
}

int main(int argc, char **argv)
{
	long long begin, now, count = 0, limit, seconds, rate;

	if (argc != 4 && argc != 5)
		errx(2, "usage: forks COUNT SECONDS RATE [CPU]");
	limit = atoll(argv[1]);
	seconds = atoll(argv[2]);
	rate = atoll(argv[3]);
	if (argc == 5)
		stay_on(atoi(argv[4]));
	begin = now = now_ns();
	while ((!limit || count < limit) && (!seconds || now - begin < seconds * 1000000000)) {
		if (rate)
			wait_until(begin + count * 1000000000 / rate);
		make_one();
		count++;
		now = now_ns();
	}
	printf("{\"exits\": %lld, \"wall_ns\": %lld, \"cpu_ns\": %lld}\n", count, now - begin,
	       cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN));
	return 0;
}
