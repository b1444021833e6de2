// SPDX-License-Identifier: Apache-2.0
#include "replay/replay.h"

#include <errno.h>
#include <string.h>

#include "agent/follower.h"
#include "replay/private.h"

/* Does everything that is due by now, of all containers in order of time. */
static void advance_all(struct replay *replay, uint64_t until_ns)
{
	struct replayed *replayed, *next, *first;

	while (replay->next_due_ns <= until_ns) {
		uint64_t second_ns = REPLAY_NEVER, first_ns = REPLAY_NEVER;

		first = NULL;
		HASH_ITER(hh, replay->table, replayed, next) {
			uint64_t due_ns = replayed_due(replayed);

			if (due_ns < first_ns) {
				second_ns = first_ns;
				first_ns = due_ns;
				first = replayed;
			} else if (due_ns < second_ns) {
				second_ns = due_ns;
			}
		}
		if (!first || !replayed_advance_once(replay, first, until_ns)) {
			replay->next_due_ns = first_ns;
			return;
		}
		first_ns = replayed_due(first);
		replay->next_due_ns = first_ns < second_ns ? first_ns : second_ns;
	}
}

static void match_all(struct replay *replay)
{
	struct replayed *replayed, *next;

	HASH_ITER(hh, replay->table, replayed, next)
		replayed_match_policy(replay, replayed);
}

static int by_deadline(struct replayed *one, struct replayed *other)
{
	return (one->life.deadline_ns > other->life.deadline_ns) -
	       (one->life.deadline_ns < other->life.deadline_ns);
}

/* In order of time as well, for the sake of `limit`. */
static void end_all(struct replay *replay)
{
	struct replayed *replayed, *next;

	HASH_SORT(replay->table, by_deadline);
	HASH_ITER(hh, replay->table, replayed, next)
		replayed_end(replay, replayed);
}

static void play_record(struct replay *replay, const struct replay_record *record)
{
	struct replayed *replayed;
	uint64_t due_ns;

	advance_all(replay, replay->now_ns);
	if (record->kind == REPLAY_NOTHING)
		return;
	replayed = replay_find(replay, record->identity.id);
	if (!replayed)
		return; /* one too many */
	replayed_take(replay, replayed, record);
	due_ns = replayed_due(replayed);
	if (due_ns < replay->next_due_ns)
		replay->next_due_ns = due_ns;
}

static int play(struct replay *replay, struct error *error)
{
	struct replay_record record;
	int result;

	rewind(replay->recording.file);
	replay->recording.number = 0;
	replay->now_ns = 0;
	match_all(replay);
	while ((result = replay_next(replay, false, &record)) == 1) {
		play_record(replay, &record);
		replay_record_done(&record);
	}
	if (result < 0)
		return error_set(error, result, "the recording cannot be read: %s",
				 strerror(-result));
	end_all(replay);
	return 0;
}

int replay_run(const struct replay_options *options, struct replay_totals *ret_totals,
	       struct error *error)
{
	struct replay replay = {.options = *options};
	int err = recording_init(&replay.recording, options->file);

	replay.limiter = limiter_new(AGENT_WORKLOADS_MAX);
	if (err || !replay.limiter)
		err = error_set(error, -ENOMEM, "out of memory");
	if (!err)
		err = replay_survey(&replay, error);
	if (!err)
		err = play(&replay, error);
	if (!err)
		*ret_totals = replay.totals;
	replay_forget_all(&replay);
	limiter_free(replay.limiter);
	recording_done(&replay.recording);
	return err;
}
