/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the follower share, and nobody else includes. */
#pragma once

#include "agent/aim.h"
#include "agent/follower.h"
#include "base/clock.h"
#include "core/verify.h"
#include "exit_by_status/exit_by_status.h"

enum {
	/* Init's argv is there a moment after its name: so often it is read again without a match. */
	FOLLOWER_LEARN_TRIES = 3,
	/* What policies ask about and cannot be read is tried again so soon, then later each time. */
	FOLLOWER_UNREAD_MS = 50,
	FOLLOWER_UNREAD_MAX_MS = 5000,
	/* So long a container may be undecided before that is logged: it has just been started. */
	FOLLOWER_UNREAD_PATIENCE_MS = 3000,
};

#define FOLLOWER_ATTEMPT_NS (100 * NS_PER_MS)
/* A container that was refused is looked at again so often. */
#define FOLLOWER_REFUSED_NS (5 * NS_PER_SEC)
/* One that a process in another cgroup holds: it may have been moved back. Its end wakes the agent. */
#define FOLLOWER_OUTSIDE_NS (5 * NS_PER_SEC)

/* Init is being made to call exit_group itself; see exit_by_status/exit_by_status.h. */
struct attempt {
	struct exit_by_status by_status;
	struct event *done; /* NULL: none is under way */
	int code;
};

struct follower {
	const struct follower_shared *shared;
	struct container *container;
	struct policies *policies; /* whose set `choice` and `policy` point into */
	struct policy_choice choice;
	const struct policy *policy; /* acts by this one; NULL: watch only */
	struct lifecycle life;
	uint32_t life_number; /* container->life, as far as it was noticed */
	struct event *timer;
	struct aim aim;
	struct member holder;  /* whose end is waited for; pid 0: none's */
	struct aim holder_aim; /* that process */
	struct attempt attempt;
	unsigned learn_tries;
	uint64_t latency_ns;
	uint64_t end_written; /* the record of init's exit comes before this; 0: not ended yet */
	int ordered_code;     /* what init is to exit with; FOLLOWER_NO_CODE: as the policy says */
	bool is_shell;	      /* of a gVisor sandbox: what is inside it is followed in its stead */
	bool is_looking;      /* the sandbox was asked who lives, and has not answered yet */
	bool is_order_due;    /* an order waits for that answer */
	bool is_ordered;      /* somebody has asked for the end by hand */
	bool is_signal_due; /* asked to end, but no signal was sent yet: it was no moment for it */
	bool was_asked;
	bool was_killed;
	bool was_by_status;
	const char *fallback;	  /* why it was not by exit status, though that was wanted; NULL */
	bool is_put_off;	  /* the last look has said: later; said in the log, once */
	char *refusal;		  /* why it is not finished, said in the log, once; NULL */
	const char *blocked_by;	  /* the safety check that says so; NULL */
	const char *failed_check; /* of the last look inside; NULL: none */
	struct event
		*unread; /* the policies are not decided: what they ask about is read again; NULL */
	uint64_t unread_since_ns;
};

void follower_step(struct follower *follower, enum lifecycle_event event);
/* It was settling without anybody to act, or by other times: now there is somebody. */
void follower_match_policy_again(struct follower *follower);
void follower_arm_timer(struct follower *follower);
/* The counts as they are now: if none holds, and a task has exited, `if_none` happens. */
void follower_step_by_counts(struct follower *follower, enum lifecycle_event if_none);
/* By this policy from now on; NULL, or no memory for a timer: it is only watched. */
void follower_go_by(struct follower *follower, const struct policy *policy);

/* --- follower_policy.c: which policy, and what follows from it --- */

void follower_match_policy(struct follower *follower);
/* Would a match choose the policy that the follower acts by? Not for a requested finish. */
bool follower_has_current_policy(const struct follower *follower);
/* What an order by hand goes by. */
const struct policy *follower_ordered_policy(const struct follower *follower);
struct lifecycle_timing follower_timing(const struct follower *follower);
/* Has this workload been finished as often as its policy permits? If not, this is one more. */
bool follower_is_limited(struct follower *follower);
/* How many hold the container, as the kernel counts them. */
unsigned follower_holders(const struct follower *follower);
bool follower_is_ending(const struct follower *follower);
/* Says why it is not finished, once, and looks again later. */
void follower_refuse(struct follower *follower, const char *check, const char *reason);
/* The same without looking again. */
void follower_block(struct follower *follower, const char *check, const char *reason);
/* Has a person asked for the end? */
bool follower_is_requested(const struct follower *follower);
/* How long to settle after the last exit, and why. Of a policy, not NULL. */
struct policy_settle follower_settle(const struct follower *follower, const struct policy *policy);
/* It is not known any more what was unread. */
void follower_forget_unread(struct follower *follower);
void follower_forget_refusal(struct follower *follower);

/* --- follower_end.c: the last look, and the end of init --- */

/*
 * Looks at the target, then at everybody, just before something is decided and done at once. While
 * a pidfd is held and verified, init's number cannot come to mean somebody else. 0: nobody lives.
 * -EBUSY: somebody does, *ret_holder, or the kernel side says so and ret_holder->pid is 0. -EAGAIN:
 * not now. Others as guard_check_init.
 */
int follower_look_inside(struct follower *follower, const struct policy *policy,
			 struct member *ret_holder, struct error *error);

/* What was seen, at once or a moment later: what follows from it. As follower_look_inside. */
void follower_looked(struct follower *follower, int err, const struct member *holder,
		     const char *reason);

/* --- gvisor/backend.c: the same by a gVisor sandbox's means --- */

/* Answers by follower_looked, perhaps before it returns. */
void follower_guest_look(struct follower *follower);
void follower_guest_signal(struct follower *follower, int signal);

/* --- follower_holder.c: a process that no count shows holds the container --- */

/*
 * Looks again when that process is dead. False: it is of a kind that the counts show, or that is not
 * to be waited for in this state.
 */
bool follower_await_holder(struct follower *follower, const struct member *holder);
void follower_forget_holder(struct follower *follower);

void follower_ask(struct follower *follower);
/* The signal of a follower that was asked to end without one. */
void follower_signal(struct follower *follower);
void follower_kill(struct follower *follower);
/* Has the end of init told, as soon as its pidfd does. */
void follower_await_end(struct follower *follower);
void follower_report(struct follower *follower);
/* Lets go of init, whatever was under way. */
void follower_let_go(struct follower *follower);
