/* SPDX-License-Identifier: Apache-2.0 */
/* How the work of containers that are gone has ended, for those who ask late. Kept for ten minutes. */
#pragma once

#include <stdbool.h>

#include "core/container.h"

enum {
	HISTORY_MINUTES = 10,
	HISTORY_MAX = 4096, /* then the oldest goes early */
};

/* The end of a container's work: of its last task, or of init itself where that was the work. */
struct work_end {
	struct ended ended; /* not known: it was not seen */
	enum role role;	    /* ROLE_TASK or ROLE_INIT */
};

/* What `wait` answers for a container whose init has ended. */
struct work_end work_end_of(const struct container *container);

struct past {
	char *id;
	char *name; /* NULL: it had none */
	struct work_end end;
	uint64_t gone_ns; /* CLOCK_BOOTTIME */
	struct past *next, *prev;
};

struct history {
	struct past *oldest; /* a doubly linked list, oldest first */
	unsigned count;
};

/* Remembers a container that has ended. Out of memory: it is forgotten. */
void history_add(struct history *history, const struct container *container, uint64_t now_ns);

/* The latest of this name, or whose id begins so; NULL if there is none. Valid until the next call. */
const struct past *history_find(struct history *history, const char *reference, uint64_t now_ns);

void history_done(struct history *history);
