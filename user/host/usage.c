// SPDX-License-Identifier: Apache-2.0
#include "host/usage.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/procfs.h"

static FILE *open_own(const char *proc, const char *name)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/self/%s", proc, name);

	return len < 0 || len >= (int)sizeof(path) ? NULL : fopen(path, "re");
}

static void read_memory(const char *proc, struct usage *usage)
{
	_cleanup_fclose_ FILE *file = open_own(proc, "statm");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long size, resident;

	if (!file || fscanf(file, "%llu %llu", &size, &resident) != 2)
		return;
	usage->virtual_bytes = size * page;
	usage->resident_bytes = resident * page;
}

static void read_fds(const char *proc, struct usage *usage)
{
	_cleanup_closedir_ DIR *folder = NULL;
	const struct dirent *entry;
	struct rlimit limit;
	char path[PATH_MAX];

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		usage->max_fds = limit.rlim_cur;
	(void)snprintf(path, sizeof(path), "%s/self/fd", proc); /* cut: there is none */
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		usage->open_fds += entry->d_name[0] != '.';
	usage->open_fds -= folder != NULL; /* the folder's own */
}

static uint64_t time_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * NS_PER_SEC + (uint64_t)time->tv_usec * 1000;
}

void usage_read(const char *proc, struct usage *ret_usage)
{
	struct procfs_stat stat;
	struct rusage times;

	memset(ret_usage, 0, sizeof(*ret_usage));
	read_memory(proc, ret_usage);
	read_fds(proc, ret_usage);
	if (getrusage(RUSAGE_SELF, &times) == 0)
		ret_usage->cpu_ns = time_ns(&times.ru_utime) + time_ns(&times.ru_stime);
	if (procfs_read_stat(proc, getpid(), &stat) == 0)
		ret_usage->start_ns = stat.start_ticks * (NS_PER_SEC / 100);
}
