/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the replay share, and nobody else includes. */
#pragma once

#include <uthash.h>

#include "core/limiter.h"
#include "replay/parse.h"
#include "replay/recording.h"
#include "replay/replay.h"

#define REPLAY_NEVER UINT64_MAX

/*
 * The agent that recorded found the container paused when it looked. Since when is not told: taken as
 * since the change of state before. Until the next change.
 */
struct replayed_pause {
	uint64_t from_ns, until_ns;
};

/* A container of the recording. All its times are since 1970. */
struct replayed {
	struct container container;

	/* By the first reading: when each process began that later exited, the earliest first. */
	uint64_t *joins; /* the lowest bit tells that it is injected, not a task */
	size_t join_count, join_size;
	size_t next_join;
	size_t next_pause;
	uint64_t empty_ns[2]; /* when no task, no injected process was left, for the last time */
	struct replayed_pause *pauses; /* as an agent's log tells of them; they do not overlap */
	size_t pause_count;
	uint64_t changed_ns; /* its last change of state */
	bool has_exits;	     /* tail tells of it: what a log says of the same is not new */
	bool has_states;

	/* By the second. */
	struct policy_choice choice;
	const struct policy *policy; /* acts by this one; NULL: watch only */
	const struct policy *undecided;
	const char *undecided_key;
	const struct policy *told_undecided;
	struct lifecycle life;
	bool is_put_off;   /* its timer was over, but it was paused */
	bool was_asked;	   /* since its last task joined */
	UT_hash_handle hh; /* by container.identity.id */
};

struct replay {
	struct replay_options options;
	struct replay_totals totals;
	struct recording recording;
	struct replayed *table;
	struct limiter *limiter;
	uint64_t now_ns;      /* never goes back */
	uint64_t next_due_ns; /* nothing is due before; it may be later */
};

/* --- survey.c: the first reading --- */

/* Whom the recording tells of, how they are called, and when their processes began. */
int replay_survey(struct replay *replay, struct error *error);
struct replayed *replay_find(struct replay *replay, const char *id);
void replay_forget_all(struct replay *replay);

/*
 * The next line that is one of ours, with `now_ns` moved on to it. 1, 0 at the end, or a negative
 * errno. What is none is counted when `is_counted`. replay_record_done is due after 1.
 */
int replay_next(struct replay *replay, bool is_counted, struct replay_record *ret_record);

/* --- policy.c --- */

/* Chooses the policy by what is known now; and which might have come first, had more been told. */
void replayed_match_policy(struct replay *replay, struct replayed *replayed);

/* The row of its init, or of the supervisor that it leads to; NULL: none. */
const struct manager *replayed_manager(const struct replayed *replayed);

/* The safety check `manager`, as policy_check_manager. */
int replayed_check_manager(const struct replayed *replayed, struct error *error);

/* --- container.c: one container, as the follower does it --- */

/* When it does something by itself: a process that begins, or its timer. REPLAY_NEVER: not now. */
uint64_t replayed_due(const struct replayed *replayed);
/* Does what is due at or before `until_ns`, except for a timer that is due at that very moment. */
void replayed_advance(struct replay *replay, struct replayed *replayed, uint64_t until_ns);
/* Does the first of it. False: nothing is due. */
bool replayed_advance_once(struct replay *replay, struct replayed *replayed, uint64_t until_ns);
void replayed_take(struct replay *replay, struct replayed *replayed,
		   const struct replay_record *record);
/* The recording is over: what would come after it, if nothing else did. */
void replayed_end(struct replay *replay, struct replayed *replayed);
