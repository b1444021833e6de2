/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that may be what is looked for, but cannot be told yet: who is to be looked at, and when.
 * Where there are too many of them, all processes are, a little later, and not too often.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SUSPECTS_MAX = 64 };

struct suspect {
	pid_t pid;
	unsigned looks; /* so far */
	uint64_t due_ns;
};

/* All zero: nobody, and never looked. */
struct suspects {
	struct suspect items[SUSPECTS_MAX];
	size_t count;
	uint64_t all_due_ns; /* 0: all are not to be looked at */
	uint64_t all_seen_ns;
};

void suspects_add(struct suspects *suspects, pid_t pid, uint64_t now_ns);
/* All processes, at once, or five seconds after the last time. */
void suspects_add_all(struct suspects *suspects, uint64_t now_ns);

/* One that is due, or 0. It will be due again, three times in all, unless it is removed. */
pid_t suspects_next(struct suspects *suspects, uint64_t now_ns);
/* Are all due? Once. */
bool suspects_next_all(struct suspects *suspects, uint64_t now_ns);

void suspects_remove(struct suspects *suspects, pid_t pid);

/* When something is due next; 0: nothing is. */
uint64_t suspects_due_ns(const struct suspects *suspects);
