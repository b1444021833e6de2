/* SPDX-License-Identifier: Apache-2.0 */
/* What this process itself takes of the machine. */
#pragma once

#include <stdint.h>

struct usage {
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t cpu_ns; /* user and system together */
	uint64_t open_fds;
	uint64_t max_fds;  /* UINT64_MAX: unlimited */
	uint64_t start_ns; /* CLOCK_BOOTTIME, as exactly as /proc tells it */
};

/* `proc` is where procfs is mounted ("/proc"). What cannot be read is 0. */
void usage_read(const char *proc, struct usage *ret_usage);
