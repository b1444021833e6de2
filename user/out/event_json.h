/* SPDX-License-Identifier: Apache-2.0 */
/* Events as JSON, one object a line; the keys are an interface. */
#pragma once

#include "base/buf.h"
#include "core/container.h"

/* An exit, and the container it was in (NULL: none). */
void event_json_exit(struct buf *out, const struct record_exit *record,
		     const struct container *container);

/* Init has become another program: what the exits before said of the container is over. */
void event_json_exec(struct buf *out, const struct container *container);

enum outcome_how {
	OUTCOME_SELF,	 /* init ended by itself */
	OUTCOME_SIGNAL,	 /* after it was asked to */
	OUTCOME_KILL,	 /* after SIGKILL */
	OUTCOME_STATUS,	 /* it was made to exit as the last task had */
	OUTCOME_DRY_RUN, /* it would have been asked now */
};

struct outcome {
	const struct container *container;
	const char *policy;
	enum outcome_how how;
	uint64_t time_ns; /* CLOCK_BOOTTIME */
	uint64_t settle_ns;
	uint64_t latency_ns; /* last exit to first signal */
	bool has_latency;
	const char *
		fallback; /* one word: why it was not by exit status, though that was wanted; NULL */
	bool is_unseen;	  /* how its work ended was not seen, so the status of it is 255 */
	bool is_ordered;  /* by hand, and not because of a last exit */
};

void event_json_outcome(struct buf *out, const struct outcome *outcome);

/* A container has entered this state. */
void event_json_state(struct buf *out, uint64_t time_ns, const struct container *container,
		      const char *state);

const char *outcome_how_name(enum outcome_how how);
