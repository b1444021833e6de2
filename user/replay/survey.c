// SPDX-License-Identifier: Apache-2.0
/*
 * The first reading of a recording. An exit tells when the process began, and that it did is what
 * cancels a settle long before: so all beginnings must be known before time runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/private.h"

struct replayed *replay_find(struct replay *replay, const char *id)
{
	struct replayed *replayed;

	HASH_FIND_STR(replay->table, id, replayed);
	return replayed;
}

static void forget(struct replayed *replayed)
{
	identity_done(&replayed->container.identity);
	free(replayed->container.path);
	free(replayed->joins);
	free(replayed->pauses);
	free(replayed);
}

void replay_forget_all(struct replay *replay)
{
	struct replayed *replayed = replay->table, *next;

	HASH_CLEAR(hh, replay->table);
	for (; replayed; replayed = next) {
		next = replayed->hh.next;
		forget(replayed);
	}
}

static struct replayed *add(struct replay *replay, const char *id)
{
	struct replayed *replayed = calloc(1, sizeof(*replayed));
	char *key;

	if (!replayed)
		return NULL;
	key = replayed->container.identity.id;
	memcpy(key, id, strlen(id) + 1);
	HASH_ADD_KEYPTR(hh, replay->table, key, strlen(key), replayed);
	if (!replayed->hh.tbl) {
		free(replayed);
		return NULL;
	}
	return replayed;
}

/* --- reading --- */

static void count_strange(struct replay *replay, const char *reason)
{
	struct replay_totals *totals = &replay->totals;

	if (!totals->strange++) {
		totals->strange_number = replay->recording.number;
		totals->strange_reason = reason;
	}
	totals->is_cut = replay->recording.is_cut;
}

static void move_on(struct replay *replay, uint64_t time_ns, bool is_counted)
{
	uint64_t back_ns = replay->now_ns > time_ns ? replay->now_ns - time_ns : 0;

	if (!back_ns) {
		replay->now_ns = time_ns;
		return;
	}
	if (!is_counted)
		return;
	replay->totals.backwards++;
	if (back_ns > replay->totals.backwards_ns)
		replay->totals.backwards_ns = back_ns;
}

int replay_next(struct replay *replay, bool is_counted, struct replay_record *ret_record)
{
	struct recording *recording = &replay->recording;
	const char *reason = "longer than any of ours";
	int result, err;

	while ((result = recording_next(recording)) != 0) {
		if (result < 0 && result != -EMSGSIZE)
			return result;
		replay->totals.lines += is_counted;
		err = result < 0 ?
			      -EINVAL :
			      replay_parse(recording->line, recording->len, ret_record, &reason);
		if (!err) {
			move_on(replay, ret_record->time_ns, is_counted);
			return 1;
		}
		if (err != -EINVAL)
			return err;
		if (is_counted)
			count_strange(replay, reason);
	}
	return 0;
}

/* --- what it tells of one container --- */

/* Later lines may know more of whose it is, never less. */
static void take_identity(struct replayed *replayed, struct identity *identity)
{
	struct identity *known = &replayed->container.identity, old;

	if (known->runtime != RUNTIME_UNKNOWN && (known->name || !identity->name))
		return;
	old = *known;
	*known = *identity; /* of the same id, which stays where it is: it is the key */
	*identity = old;
}

static void take_init(struct container *container, const struct replay_record *record)
{
	if (!container->init.comm[0])
		memcpy(container->init.comm, record->init.comm, sizeof(container->init.comm));
	if (container->init_args.answer == ANSWER_UNREADABLE)
		container->init_args = record->init_args;
	if (container->led_args.answer == ANSWER_UNREADABLE)
		container->led_args = record->led_args;
}

/*
 * Durations are told in microseconds, so that a process may seem to have begun before it did. While
 * nobody was left it had not; and it began before it ended.
 */
static uint64_t join_time(const struct replayed *replayed, const struct replay_record *record,
			  bool is_injected, uint64_t end_ns)
{
	uint64_t start_ns = record->process.start_ns;

	if (start_ns <= replayed->empty_ns[is_injected])
		start_ns = replayed->empty_ns[is_injected] + 2; /* the lowest bit is taken */
	return start_ns < end_ns ? start_ns : end_ns;
}

static int add_join(struct replayed *replayed, uint64_t start_ns, bool is_injected)
{
	size_t size = replayed->join_size;
	uint64_t *joins = replayed->joins;

	if (replayed->join_count == size) {
		size = size ? 2 * size : 4;
		joins = reallocarray(joins, size, sizeof(*joins));
		if (!joins)
			return -ENOMEM;
		replayed->joins = joins;
		replayed->join_size = size;
	}
	joins[replayed->join_count++] = (start_ns & ~UINT64_C(1)) | is_injected;
	return 0;
}

static int take_exit(struct replay *replay, struct replayed *replayed,
		     const struct replay_record *record)
{
	bool is_injected = record->role == ROLE_INJECTED;
	int err = 0;

	replayed->has_exits = true;
	if (record->role == ROLE_INIT)
		memcpy(replayed->container.init.comm, record->process.comm,
		       sizeof(record->process.comm));
	if (record->role == ROLE_TASK || is_injected)
		err = add_join(replayed, join_time(replayed, record, is_injected, replay->now_ns),
			       is_injected);
	if (!record->tasks_left)
		replayed->empty_ns[false] = replay->now_ns;
	if (record->has_injected_left && !record->injected_left)
		replayed->empty_ns[true] = replay->now_ns;
	return err;
}

static int add_pause(struct replayed *replayed)
{
	struct replayed_pause *pauses = replayed->pauses;
	size_t count = replayed->pause_count;

	if (count && pauses[count - 1].until_ns == REPLAY_NEVER)
		return 0; /* still the same */
	pauses = reallocarray(pauses, replayed->pause_count + 1, sizeof(*pauses));
	if (!pauses)
		return -ENOMEM;
	replayed->pauses = pauses;
	pauses[replayed->pause_count++] = (struct replayed_pause){
		.from_ns = replayed->changed_ns,
		.until_ns = REPLAY_NEVER,
	};
	return 0;
}

static void take_change(struct replay *replay, struct replayed *replayed)
{
	struct replayed_pause *pause = replayed->pauses;

	replayed->has_states = true;
	replayed->changed_ns = replay->now_ns;
	if (!replayed->pause_count)
		return;
	pause += replayed->pause_count - 1;
	if (pause->until_ns == REPLAY_NEVER)
		pause->until_ns = replay->now_ns;
}

static int take(struct replay *replay, struct replay_record *record)
{
	struct replayed *replayed = replay_find(replay, record->identity.id);

	if (!replayed && HASH_COUNT(replay->table) >= REPLAY_CONTAINERS_MAX) {
		replay->totals.dropped++;
		return 0;
	}
	if (!replayed)
		replayed = add(replay, record->identity.id);
	if (!replayed)
		return -ENOMEM;
	replay->totals.events++;
	take_identity(replayed, &record->identity);
	take_init(&replayed->container, record);
	if (record->cgroup && !replayed->container.path) {
		replayed->container.path = record->cgroup;
		record->cgroup = NULL;
	}
	if (record->kind == REPLAY_STATE)
		take_change(replay, replayed);
	if (record->kind == REPLAY_PUT_OFF)
		return add_pause(replayed);
	return record->kind == REPLAY_EXIT ? take_exit(replay, replayed, record) : 0;
}

static int compare_joins(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static void sort_joins(struct replay *replay)
{
	struct replayed *replayed, *next;

	HASH_ITER(hh, replay->table, replayed, next) {
		if (replayed->join_count)
			qsort(replayed->joins, replayed->join_count, sizeof(*replayed->joins),
			      compare_joins);
		if (!replayed->has_exits && !replayed->has_states)
			replay->totals.untold++;
	}
	replay->totals.containers = HASH_COUNT(replay->table);
}

int replay_survey(struct replay *replay, struct error *error)
{
	struct replay_record record;
	int result;

	while ((result = replay_next(replay, true, &record)) == 1) {
		int err = record.kind == REPLAY_NOTHING ? 0 : take(replay, &record);

		replay_record_done(&record);
		if (err)
			return error_set(error, err, "out of memory");
	}
	if (result < 0)
		return error_set(error, result, "the recording cannot be read: %s",
				 strerror(-result));
	sort_joins(replay);
	return 0;
}
