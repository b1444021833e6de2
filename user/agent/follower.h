/* SPDX-License-Identifier: Apache-2.0 */
/* Follows one container through its life, and ends its init when the policy says so. */
#pragma once

#include <event2/event.h>

#include "agent/policies.h"
#include "agent/privileges.h"
#include "agent/watch.h"
#include "core/limiter.h"
#include "core/verify.h"
#include "gvisor/gvisor.h"
#include "out/event_json.h"

struct follower;

enum { FOLLOWER_NO_CODE = -1 };

/* So many workloads are remembered for the sake of `limit`. */
enum { AGENT_WORKLOADS_MAX = 4096 };

/* What all followers share; outlives them. */
/* Lines that no process read in time; owned by the one who writes them. */
struct dropped_lines {
	const uint64_t *outcomes; /* NULL: they cannot be */
	const uint64_t *log;
};

struct follower_shared {
	struct event_base *base;
	struct watch *watch;
	struct sandboxes *sandboxes; /* NULL: none is looked for */
	struct policies *policies;   /* those in force; one user is whoever fills this in */
	struct limiter *limiter;
	struct rights *rights; /* NULL: none were given up */
	struct dropped_lines dropped;
	bool is_dry_run; /* walk the whole way, and stop before the signal */
	void (*on_outcome)(void *context, const struct outcome *outcome);
	/* What was ordered by hand is not done after all: somebody was found in the sandbox. */
	void (*on_refused)(void *context, const struct container *container, const char *reason);
	/* Optional: the safety check of this name blocks a finish that a policy asks for. */
	void (*on_blocked)(void *context, const struct container *container, const char *check);
	/* Optional: the container has entered this state, and what that asks for has been done. */
	void (*on_state)(void *context, const struct container *container,
			 enum lifecycle_state state);
	void *context;
};

/* NULL if memory is short. Follows `container`, and is found there as container->follower. */
struct follower *follower_new(const struct follower_shared *shared, struct container *container);
void follower_free(struct follower *follower);

/* What the watch tells about the container. */
void follower_change(struct follower *follower, enum watch_change change);
void follower_exit(struct follower *follower, const struct record_exit *record);

/* Reads the container's counts anew; false if it is no longer counted. */
bool follower_refresh(struct follower *follower);

/* Other policies are in force now. An init that was asked to end is ended by the old ones. */
void follower_policies_changed(struct follower *follower);

/*
 * Ends init now, by its policy's way or by the defaults, as somebody has ordered; with `code` as its
 * exit code, or FOLLOWER_NO_CODE. 0: asked to end; the outcome is reported. -EBUSY: a task lives; -EPERM: refused; -EAGAIN: paused, or being ended
 * already; -EOPNOTSUPP: a dry run; or another negative errno: with the reason in `error`.
 */
int follower_finish(struct follower *follower, int code, struct error *error);

/* How things stand. Valid until the follower is told something. */
struct follower_view {
	enum lifecycle_state state;
	const struct policy_choice *choice;
	const struct policy *acts_by;  /* NULL: watch only */
	const struct policy *waits_by; /* whose settle tells when a last exit has settled */
	struct policy_settle settle;   /* by waits_by, after the last exit as it is known now */
	const char *refusal;	       /* why it is not finished although a policy asks; "" */
	const char *blocked_by;	       /* the name of the safety check that says so; "" */
	const struct member
		*holder;      /* a process that no count shows, whose end is waited for; NULL */
	uint64_t deadline_ns; /* when the timer fires, CLOCK_BOOTTIME; 0: no timer */
};
void follower_look(const struct follower *follower, struct follower_view *ret_view);

/* What a policy looks at, as it is now. */
struct policy_subject follower_subject(const struct container *container);
