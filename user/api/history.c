// SPDX-License-Identifier: Apache-2.0
#include "api/history.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"

struct work_end work_end_of(const struct container *container)
{
	/* Tasks that the kernel killed because init was gone have not ended as work ends. */
	if (container->is_idle)
		return (struct work_end){container->last_task, ROLE_TASK};
	return (struct work_end){container->init_exit, ROLE_INIT};
}

static void past_free(struct past *past)
{
	free(past->id);
	free(past->name);
	free(past);
}

static void drop_oldest(struct history *history)
{
	struct past *oldest = history->oldest;

	DL_DELETE(history->oldest, oldest);
	history->count--;
	past_free(oldest);
}

static void expire(struct history *history, uint64_t now_ns)
{
	const uint64_t kept_ns = (uint64_t)HISTORY_MINUTES * 60 * NS_PER_SEC;

	while (history->oldest && now_ns - history->oldest->gone_ns > kept_ns)
		drop_oldest(history);
}

void history_add(struct history *history, const struct container *container, uint64_t now_ns)
{
	const struct identity *identity = &container->identity;
	struct past *past = calloc(1, sizeof(*past));

	expire(history, now_ns);
	if (history->count == HISTORY_MAX)
		drop_oldest(history);
	if (past) {
		past->id = strdup(identity->id);
		past->name = identity->name ? strdup(identity->name) : NULL;
	}
	if (!past || !past->id) {
		if (past)
			past_free(past);
		return;
	}
	past->end = work_end_of(container);
	past->gone_ns = now_ns;
	DL_APPEND(history->oldest, past);
	history->count++;
}

const struct past *history_find(struct history *history, const char *reference, uint64_t now_ns)
{
	const struct past *past, *found = NULL;

	expire(history, now_ns);
	DL_FOREACH(history->oldest, past) {
		if (strncmp(past->id, reference, strlen(reference)) == 0 ||
		    (past->name && strcmp(past->name, reference) == 0))
			found = past;
	}
	return found;
}

void history_done(struct history *history)
{
	while (history->oldest)
		drop_oldest(history);
}
