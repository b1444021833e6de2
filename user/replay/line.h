/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay says: what became of a container, and what would have been done. */
#pragma once

#include "base/buf.h"
#include "core/container.h"
#include "core/policy.h"

enum replay_what {
	REPLAY_SAYS_STATE,     /* the container entered another state */
	REPLAY_SAYS_ASKED,     /* its init would be asked to end now */
	REPLAY_SAYS_LIMITED,   /* it would, but for the policy's limit */
	REPLAY_SAYS_BLOCKED,   /* it would, but for the safety check `manager` */
	REPLAY_SAYS_SELF,      /* its init ended before it would be asked */
	REPLAY_SAYS_UNDECIDED, /* whether `policy` matches it is not in the recording */
};

struct replay_line {
	enum replay_what what;
	uint64_t time_ns; /* since 1970, as all times of the container here */
	const struct container *container;
	const struct policy *policy; /* NULL: it is watched only */
	const struct policy_choice *choice;
	enum lifecycle_state from, to; /* SAYS_STATE, and why */
	enum lifecycle_event why;
	uint64_t settle_ns;
	/* SAYS_ASKED: why it is not certain, a half sentence; NULL: it is. SAYS_UNDECIDED: the key. SAYS_BLOCKED:
	   why. */
	const char *doubt;
};

/* For people: a line that stands by itself. What a container controls is escaped. */
void replay_line_text(struct buf *out, const struct replay_line *line);

/* One object a line; its keys are an interface. */
void replay_line_json(struct buf *out, const struct replay_line *line);
