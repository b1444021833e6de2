// SPDX-License-Identifier: Apache-2.0
#include "core/limiter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without memory the entry stays out, instead of the agent ending. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* One workload and its finishes, the oldest first. */
struct entry {
	uint64_t *times_ns;
	size_t count;
	uint64_t window_ns; /* as it was at the last one */
	UT_hash_handle hh;
	char workload[];
};

/* The table is in the order of the last finishes, as each one puts its entry at the end. */
struct limiter {
	struct entry *table;
	size_t max;
};

struct limiter *limiter_new(size_t workloads_max)
{
	struct limiter *limiter = calloc(1, sizeof(*limiter));

	if (limiter)
		limiter->max = workloads_max;
	return limiter;
}

static void forget(struct limiter *limiter, struct entry *entry)
{
	HASH_DEL(limiter->table, entry);
	free(entry->times_ns);
	free(entry);
}

void limiter_free(struct limiter *limiter)
{
	struct entry *entry, *next;

	if (!limiter)
		return;
	HASH_ITER(hh, limiter->table, entry, next)
		forget(limiter, entry);
	free(limiter);
}

static struct entry *find(const struct limiter *limiter, const char *workload)
{
	struct entry *entry;

	HASH_FIND_STR(limiter->table, workload, entry);
	return entry;
}

static bool is_in_window(uint64_t time_ns, uint64_t window_ns, uint64_t now_ns)
{
	return time_ns >= now_ns || now_ns - time_ns < window_ns;
}

static size_t count_in_window(const struct entry *entry, uint64_t window_ns, uint64_t now_ns)
{
	size_t count = 0;

	while (count < entry->count &&
	       is_in_window(entry->times_ns[entry->count - 1 - count], window_ns, now_ns))
		count++;
	return count;
}

bool limiter_allows(const struct limiter *limiter, const char *workload,
		    const struct policy_limit *limit, uint64_t now_ns)
{
	const struct entry *entry = find(limiter, workload);

	return !limit->count || !entry ||
	       count_in_window(entry, limit->window_ns, now_ns) < limit->count;
}

/* Makes room for one more. */
static void drop_oldest(struct limiter *limiter, uint64_t now_ns, bool *ret_forgotten)
{
	struct entry *oldest = limiter->table;

	*ret_forgotten = false;
	if (!oldest || HASH_COUNT(limiter->table) < limiter->max)
		return;
	*ret_forgotten = is_in_window(oldest->times_ns[oldest->count - 1], oldest->window_ns,
				      now_ns);
	forget(limiter, oldest);
}

/* An entry that is in no table yet. */
static struct entry *new_entry(const char *workload)
{
	size_t size = strlen(workload) + 1;
	struct entry *entry = calloc(1, sizeof(*entry) + size);

	if (entry)
		memcpy(entry->workload, workload, size);
	return entry;
}

/* Adds a finish behind those that still count; more than the limit need not be known. */
static int add_time(struct entry *entry, const struct policy_limit *limit, uint64_t now_ns)
{
	size_t kept = count_in_window(entry, limit->window_ns, now_ns);
	uint64_t *times_ns;

	if (kept >= limit->count)
		kept = limit->count - 1;
	if (entry->times_ns) /* memmove may not be given NULL, not even for nothing */
		memmove(entry->times_ns, entry->times_ns + entry->count - kept,
			kept * sizeof(*times_ns));
	entry->count = kept;
	times_ns = reallocarray(entry->times_ns, kept + 1, sizeof(*times_ns));
	if (!times_ns)
		return -ENOMEM;
	times_ns[entry->count++] = now_ns;
	entry->times_ns = times_ns;
	entry->window_ns = limit->window_ns;
	return 0;
}

int limiter_record(struct limiter *limiter, const char *workload, const struct policy_limit *limit,
		   uint64_t now_ns, bool *ret_forgotten)
{
	struct entry *entry = find(limiter, workload);
	bool forgotten = false;
	int err;

	if (!limit->count)
		return 0;
	if (entry) {
		HASH_DEL(limiter->table, entry);
	} else {
		entry = new_entry(workload);
		if (!entry)
			return -ENOMEM;
		drop_oldest(limiter, now_ns, &forgotten);
	}
	err = add_time(entry, limit, now_ns);
	if (entry->count)
		HASH_ADD_STR(limiter->table, workload, entry);
	if (!entry->count || !entry->hh.tbl) {
		free(entry->times_ns);
		free(entry);
		return -ENOMEM;
	}
	*ret_forgotten = forgotten;
	return err;
}

void limiter_put_workload(struct buf *out, const struct identity *identity)
{
	const char *name = identity->name && *identity->name ? identity->name : identity->id;

	if (identity->pod && *identity->pod)
		buf_printf(out, "%s/%s/%s", identity->namespace ? identity->namespace : "",
			   identity->pod, name);
	else
		buf_printf(out, "%s/%s", runtime_name(identity->runtime), name);
}
