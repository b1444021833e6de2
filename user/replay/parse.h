/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a line of a recording says: of `lastout tail -o json`, of the log of `lastout run --log json
 * --verbose`, or of the outcomes that the same agent prints. Nothing in it is trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/container.h"
#include "core/lifecycle.h"

enum replay_kind {
	REPLAY_NOTHING, /* ours, and nothing that a replay needs */
	REPLAY_EXIT,	/* tail: a process in a container has exited */
	REPLAY_FOUND,	/* the agent has found a container */
	REPLAY_INIT,	/* it knows the container's init, or another name of it */
	REPLAY_EXEC,	/* init has become another program */
	REPLAY_STATE,	/* the container has entered another state */
	REPLAY_PUT_OFF, /* its timer was over, but it was paused: it will be looked at again */
	REPLAY_OUTCOME, /* init has ended, or, in a dry run, would have been asked to */
};

/* Times are nanoseconds since 1970. What a kind does not have, or a line does not tell, is zero. */
struct replay_record {
	enum replay_kind kind;
	uint64_t time_ns;
	struct identity identity; /* of the container; owned */
	char *cgroup;		  /* its path; owned; NULL: not told */
	struct process init;
	struct command_line init_args, led_args;

	/* REPLAY_EXIT: who, from when to when, how, and who was left then */
	struct process process;
	enum role role;
	int status; /* as wait4 gives it */
	uint32_t tasks_left;
	uint32_t injected_left;
	bool has_injected_left; /* older recordings do not tell */

	bool is_logged; /* REPLAY_EXEC: by an agent, not by tail */

	/* REPLAY_STATE */
	enum lifecycle_state from, to;
	enum lifecycle_event why;
	struct abi_counts counts; /* and of REPLAY_FOUND: its tasks */

	struct ended last_task; /* REPLAY_STATE, REPLAY_OUTCOME */
	bool was_asked; /* REPLAY_OUTCOME: init was made to end by the agent that recorded */
};

/*
 * Reads one line. 0; -EINVAL: it is none of those, and *ret_reason says why, in a static text; or
 * -ENOMEM. replay_record_done is due after 0.
 */
int replay_parse(const char *line, size_t len, struct replay_record *ret_record,
		 const char **ret_reason);
void replay_record_done(struct replay_record *record);
