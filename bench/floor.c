// SPDX-License-Identifier: Apache-2.0
/*
 * floor lookup|record|signal|look
 *
 * Runs one of the floors until SIGINT: programs that do the least with which a part of lastout's work
 * can be done at all, to measure that against. `record` reads its buffer ten times a second, as `tail`
 * does; `signal` prints the time from each exit to its signal, in microseconds. So does `look`, after
 * having read what must be read to know whom a signal hits and who else is there, and nothing of it
 * twice; it draws no conclusion.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "floor.h"
#include "floor.skel.h"

enum { DRAIN_MS = 100 };

static volatile sig_atomic_t is_over;
static bool must_look;

static void on_signal(int signal)
{
	(void)signal;
	is_over = 1;
}

static __u64 boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static int on_record(void *context, void *data, size_t size)
{
	(void)data;
	*(unsigned long *)context += size;
	return 0;
}

static void read_file(const char *path, char *ret_text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	ret_text[got < 0 ? 0 : got] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Behind `controller`, as a line of /proc/PID/cgroup has it between two colons; "" if it is in none. */
static void find_path(const char *text, const char *controller, char *ret_path, size_t size)
{
	const char *at = strstr(text, controller);

	at = at ? at + strlen(controller) : "";
	snprintf(ret_path, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* Frozen, and with whom? Where lastout would read it: v1 if there is a pids hierarchy, else v2. */
static void look_at_cgroups(const char *text)
{
	char path[512], told[8192], pids[256], freezer[256], unified[256];

	find_path(text, ":pids:", pids, sizeof(pids));
	find_path(text, ":freezer:", freezer, sizeof(freezer));
	find_path(text, "0::", unified, sizeof(unified));
	if (pids[0]) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/freezer%s/freezer.state", freezer);
		read_file(path, told, sizeof(told));
		snprintf(path, sizeof(path), "/sys/fs/cgroup/pids%s/cgroup.procs", pids);
	} else {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.events", unified);
		read_file(path, told, sizeof(told));
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", unified);
	}
	read_file(path, told, sizeof(told));
}

/* Is it that process, which program, in which PID namespace, in which cgroups? */
static void look(unsigned pid)
{
	char path[64], text[8192];
	struct stat stat_buf;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	read_file(path, text, sizeof(text));
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	(void)!readlink(path, text, sizeof(text));
	snprintf(path, sizeof(path), "/proc/%u/ns/pid", pid);
	(void)stat(path, &stat_buf);
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	read_file(path, text, sizeof(text));
	look_at_cgroups(text);
}

static int on_end(void *context, void *data, size_t size)
{
	const struct floor_end *end = data;
	int fd = (int)syscall(SYS_pidfd_open, end->init_pid, 0);

	(void)context;
	(void)size;
	if (fd < 0)
		return 0;
	if (must_look)
		look(end->init_pid);
	if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0)
		printf("%llu\n", (unsigned long long)(boot_ns() - end->time_ns) / 1000);
	close(fd);
	return 0;
}

static bool is_to_signal(const char *what)
{
	return strcmp(what, "signal") == 0 || strcmp(what, "look") == 0;
}

static struct ring_buffer *open_ring(const struct floor *floor, const char *what, void *context)
{
	struct ring_buffer *ring = NULL;

	if (strcmp(what, "record") == 0)
		ring = ring_buffer__new(bpf_map__fd(floor->maps.records), on_record, context, NULL);
	else if (is_to_signal(what))
		ring = ring_buffer__new(bpf_map__fd(floor->maps.ends), on_end, context, NULL);
	else
		return NULL;
	if (!ring)
		err(1, "ring buffer");
	return ring;
}

static void follow(struct ring_buffer *ring, bool is_woken)
{
	struct timespec wait = {.tv_nsec = DRAIN_MS * 1000000};

	while (!is_over) {
		if (!ring)
			pause();
		else if (is_woken)
			(void)ring_buffer__poll(ring, -1);
		else if (nanosleep(&wait, NULL) == 0)
			(void)ring_buffer__consume(ring);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct ring_buffer *ring;
	struct floor *floor;
	unsigned long bytes = 0;

	if (argc != 2)
		errx(2, "usage: floor lookup|record|signal|look");
	must_look = strcmp(argv[1], "look") == 0;
	sigaction(SIGINT, &action, NULL);
	floor = floor__open();
	if (!floor)
		err(1, "open");
	bpf_program__set_autoload(floor->progs.floor_lookup, strcmp(argv[1], "lookup") == 0);
	bpf_program__set_autoload(floor->progs.floor_record, strcmp(argv[1], "record") == 0);
	bpf_program__set_autoload(floor->progs.floor_signal, is_to_signal(argv[1]));
	if (floor__load(floor) < 0 || floor__attach(floor) < 0)
		err(1, "load");
	ring = open_ring(floor, argv[1], &bytes);
	fprintf(stderr, "ready\n");
	follow(ring, is_to_signal(argv[1]));
	ring_buffer__free(ring);
	floor__destroy(floor);
	return 0;
}
