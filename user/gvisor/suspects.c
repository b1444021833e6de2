// SPDX-License-Identifier: Apache-2.0
#include "gvisor/suspects.h"

#define NS_PER_MS UINT64_C(1000000)

/* After it was told of: an exec takes a moment, what is written about it a longer one. */
static const uint64_t look_ns[] = {100 * NS_PER_MS, 1000 * NS_PER_MS, 5000 * NS_PER_MS};

enum { LOOKS = sizeof(look_ns) / sizeof(look_ns[0]) };

/* A crowd of suspects does not have all processes read more often than that. */
static const uint64_t all_every_ns = 5000 * NS_PER_MS;

static struct suspect *find(struct suspects *suspects, pid_t pid)
{
	for (size_t i = 0; i < suspects->count; i++)
		if (suspects->items[i].pid == pid)
			return &suspects->items[i];
	return NULL;
}

static void remove_one(struct suspects *suspects, struct suspect *suspect)
{
	*suspect = suspects->items[--suspects->count];
}

static void want_all(struct suspects *suspects, uint64_t due_ns)
{
	uint64_t earliest_ns = suspects->all_seen_ns ? suspects->all_seen_ns + all_every_ns : 0;

	if (due_ns < earliest_ns)
		due_ns = earliest_ns;
	if (!suspects->all_due_ns || due_ns < suspects->all_due_ns)
		suspects->all_due_ns = due_ns;
}

void suspects_add(struct suspects *suspects, pid_t pid, uint64_t now_ns)
{
	if (find(suspects, pid))
		return;
	if (suspects->count == SUSPECTS_MAX) {
		want_all(suspects, now_ns + look_ns[1]);
		return;
	}
	suspects->items[suspects->count++] = (struct suspect){
		.pid = pid,
		.due_ns = now_ns + look_ns[0],
	};
}

void suspects_add_all(struct suspects *suspects, uint64_t now_ns)
{
	want_all(suspects, now_ns);
}

pid_t suspects_next(struct suspects *suspects, uint64_t now_ns)
{
	for (size_t i = 0; i < suspects->count; i++) {
		struct suspect *suspect = &suspects->items[i];
		pid_t pid = suspect->pid;

		if (suspect->due_ns > now_ns)
			continue;
		if (++suspect->looks == LOOKS)
			remove_one(suspects, suspect);
		else
			suspect->due_ns = now_ns + look_ns[suspect->looks] -
					  look_ns[suspect->looks - 1];
		return pid;
	}
	return 0;
}

bool suspects_next_all(struct suspects *suspects, uint64_t now_ns)
{
	if (!suspects->all_due_ns || suspects->all_due_ns > now_ns)
		return false;
	suspects->all_due_ns = 0;
	suspects->all_seen_ns = now_ns;
	return true;
}

void suspects_remove(struct suspects *suspects, pid_t pid)
{
	struct suspect *suspect = find(suspects, pid);

	if (suspect)
		remove_one(suspects, suspect);
}

uint64_t suspects_due_ns(const struct suspects *suspects)
{
	uint64_t due_ns = suspects->all_due_ns;

	for (size_t i = 0; i < suspects->count; i++)
		if (!due_ns || suspects->items[i].due_ns < due_ns)
			due_ns = suspects->items[i].due_ns;
	return due_ns;
}
