// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/follower_log.h"
#include "agent/follower_private.h"
#include "agent/holders.h"
#include "agent/safety_checks.h"
#include "base/clock.h"
#include "base/log.h"

/* --- steps --- */

/* As if it had not been asked: by hand or not, whatever comes now is another last exit. */
static void spare(struct follower *follower)
{
	static const char reason[] = "it outlived its grace, but a task lives again: not killed";

	follower_log(follower->container, LOG_LEVEL_WARN, "spared", reason, NULL, NULL);
	if (follower->is_ordered && follower->shared->on_refused)
		follower->shared->on_refused(follower->shared->context, follower->container,
					     reason);
	follower->container->is_asked = false;
	follower->is_ordered = false;
	follower->ordered_code = FOLLOWER_NO_CODE;
	follower->was_asked = false;
	follower->latency_ns = 0;
	follower->fallback = NULL;
	follower->policy = NULL; /* that of an order holds for that order alone */
	follower_policies_changed(follower);
	follower_match_policy(follower);
}

static void log_stuck(const struct follower *follower)
{
	struct abi_holder holder;
	bool is_found = !container_is_guest(follower->container) &&
			holders_find_stuck(follower->shared->watch, follower->container, &holder) ==
				0;

	follower_log_stuck(follower->container, is_found ? &holder : NULL);
}

static void act(struct follower *follower, unsigned actions)
{
	if (actions & LIFECYCLE_ASK && follower->policy)
		follower_ask(follower);
	if (actions & LIFECYCLE_KILL)
		follower_kill(follower);
	if (actions & LIFECYCLE_STUCK)
		log_stuck(follower);
	if (actions & LIFECYCLE_SPARED)
		spare(follower);
	if (actions & LIFECYCLE_REPORT)
		follower_report(follower);
}

void follower_arm_timer(struct follower *follower)
{
	uint64_t now = clock_boot_ns(), wait;
	struct timeval delay;

	if (follower->timer)
		(void)evtimer_del(follower->timer);
	/* Watch only: nothing will be asked to end, so nothing needs a deadline. */
	if (!follower->life.deadline_ns || !follower->policy)
		return;
	wait = follower->life.deadline_ns > now ? follower->life.deadline_ns - now : 0;
	if (!wait) {
		event_active(follower->timer, EV_TIMEOUT, 0);
		return;
	}
	delay.tv_sec = (time_t)(wait / NS_PER_SEC);
	delay.tv_usec = (suseconds_t)(wait % NS_PER_SEC / 1000 + 1);
	(void)evtimer_add(follower->timer, &delay);
}

void follower_step(struct follower *follower, enum lifecycle_event event)
{
	enum lifecycle_state from = follower->life.state;
	struct lifecycle_timing times = follower_timing(follower);
	unsigned actions;

	follower->life = lifecycle_step(follower->life, event, clock_boot_ns(), &times, &actions);
	/* A task came and went while it settled: nothing else would tell of that. */
	if (follower->life.state != from ||
	    (event == LIFECYCLE_LAST_EXIT && from == LIFECYCLE_SETTLING))
		follower_log_state(follower->container, from, follower->life.state, event);
	act(follower, actions);
	if (follower->life.state != from && follower->shared->on_state && !follower->is_shell)
		follower->shared->on_state(follower->shared->context, follower->container,
					   follower->life.state);
	follower_arm_timer(follower);
	/* Aimed anew each time: init may come to be another process until it is asked. */
	if (follower->life.state != LIFECYCLE_STOPPING &&
	    follower->life.state != LIFECYCLE_KILLING) {
		follower_let_go(follower);
		follower_forget_holder(follower);
	}
}

static void carry_out(struct follower *follower, int err, const char *reason);

/* What was to end by its exit status, and could not, or was not reached: grace begins now. */
static void signal_late(struct follower *follower)
{
	if (follower->life.state == LIFECYCLE_KILLING) {
		follower->is_signal_due = false;
		follower_step(follower, LIFECYCLE_PAUSED); /* as long as after the first one */
		follower_kill(follower);
		return;
	}
	follower_signal(follower);
	follower->life.deadline_ns = clock_boot_ns() + follower->policy->timing.grace_ns;
	follower_arm_timer(follower);
}

/* Paused, most likely. A replay cannot know it otherwise. */
static void put_off(struct follower *follower, const char *reason)
{
	if (!follower->is_put_off)
		follower_log(follower->container, LOG_LEVEL_DEBUG, "put_off",
			     "a container is looked at again a little later", "reason", reason);
	follower_step(follower, LIFECYCLE_PAUSED);
	follower->is_put_off = true;
}

/* The container was looked at, as the timer asked for, or somebody's order. */
void follower_looked(struct follower *follower, int err, const struct member *holder,
		     const char *reason)
{
	if (follower->is_order_due) {
		carry_out(follower, err, reason);
		return;
	}
	if (err != -EAGAIN)
		follower->is_put_off = false;
	switch (err) {
	case 0:
		/* Otherwise the limit may still refuse, and has said so: follower_ask looks at both. */
		if (follower_is_ending(follower))
			follower_forget_refusal(follower);
		if (follower->is_signal_due)
			signal_late(follower);
		else
			follower_step(follower, LIFECYCLE_EMPTY);
		return;
	case -EAGAIN:
		/* Unless it is over in a moment, the end of init's exec was not seen. */
		if (follower->container->is_init_execing)
			watch_reread(follower->shared->watch, WATCH_REREAD_DOUBT);
		put_off(follower, reason);
		return;
	case -EPERM:
		follower_refuse(follower, follower->failed_check, reason);
		return;
	case -ESRCH:
		/* Init is gone; if the records do not say so soon, the pidfd does. */
		if (follower->aim.pidfd < 0)
			follower_step(follower, LIFECYCLE_INIT_EXIT);
		else
			follower_await_end(follower);
		return;
	case -ENOENT: /* its cgroup is: told soon */
		return;
	case -EBUSY:
		break;
	default:
		follower_log(follower->container, LOG_LEVEL_DEBUG, "unread",
			     "a container cannot be read", "error", reason);
	}
	if (follower_await_holder(follower, holder))
		return;
	if (holder->pid) {
		follower_log_holder(follower->container, holder);
		/* The kernel side says nobody holds, but somebody does: it has missed a process. */
		if (!follower_holders(follower) && !container_is_guest(follower->container))
			watch_reread(follower->shared->watch, WATCH_REREAD_DOUBT);
	}
	follower_step(follower, LIFECYCLE_BUSY);
}

/*
 * Has init become another program since the last time? Its record may be lost, or still to be read:
 * the number in the kernel's map is what counts.
 */
static void notice_exec(struct follower *follower)
{
	const struct container *container = follower->container;

	if (follower->life_number == container->life)
		return;
	follower->life_number = container->life;
	follower->learn_tries = FOLLOWER_LEARN_TRIES;
	follower_log_exec(container);
	/* It was to end, but nothing has been sent to it yet. */
	if (follower->is_signal_due && follower_is_ending(follower) && !follower->is_ordered)
		follower_step(follower, LIFECYCLE_BUSY);
	follower_step(follower, LIFECYCLE_EXEC);
	if (follower_is_ending(follower) || follower->life.state == LIFECYCLE_GONE)
		return;
	follower_forget_refusal(follower);
	follower_match_policy_again(follower);
	if (container->counts.tasks)
		follower_step(follower, LIFECYCLE_TASK);
}

/* A name that init has taken without a record: another policy may apply, before anything is sent. */
static void notice_name(struct follower *follower)
{
	enum lifecycle_state state = follower->life.state;

	if (!follower->policy || follower->is_ordered || follower->is_order_due ||
	    state == LIFECYCLE_KILLING || state == LIFECYCLE_GONE ||
	    follower_has_current_policy(follower))
		return;
	if (state != LIFECYCLE_STOPPING)
		follower_match_policy_again(follower);
	else if (follower->is_signal_due)
		follower_step(follower, LIFECYCLE_BUSY);
}

static void look_again(struct follower *follower)
{
	struct member holder = {0};
	struct error error;
	int err;

	if (container_is_guest(follower->container)) {
		follower_guest_look(follower);
		return;
	}
	err = follower_look_inside(follower, follower->policy, &holder, &error);
	follower_looked(follower, err, &holder, err ? error.text : "");
}

/* A guest's counts are always fresh. */
bool follower_refresh(struct follower *follower)
{
	if (!container_is_guest(follower->container) &&
	    !watch_refresh(follower->shared->watch, follower->container))
		return false;
	notice_exec(follower);
	notice_name(follower);
	return true;
}

/* No task has ended in this life, whatever the records said: nothing is over. */
static bool is_unworked(const struct follower *follower)
{
	return !follower->container->task_exits && !follower_is_ending(follower);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;

	(void)fd;
	(void)what;
	follower->life.deadline_ns = 0;
	/* A deadline of its own: it settles anew, by the policy of init's new name. */
	if (!follower_refresh(follower) || !follower->policy || follower->life.deadline_ns)
		return;
	if (follower->life.state == LIFECYCLE_KILLING &&
	    (!follower->is_signal_due || follower_holders(follower))) {
		follower_step(follower, LIFECYCLE_EMPTY);
		return;
	}
	if (follower->attempt.done) {
		/* The grace of a moment is over sooner than an attempt, which is bounded itself. */
		follower->life.deadline_ns = clock_boot_ns() + FOLLOWER_ATTEMPT_NS;
		follower_arm_timer(follower);
		return;
	}
	if (!follower_holders(follower)) {
		if (is_unworked(follower))
			follower_step(follower, LIFECYCLE_UNTASKED);
		else
			look_again(follower);
		return;
	}
	/* Counted holders tell of their end themselves: no timer is needed for them. */
	if (follower->life.state != LIFECYCLE_WORKING)
		follower_step(follower, LIFECYCLE_BUSY);
	follower->life.deadline_ns = 0;
	follower_arm_timer(follower);
}

void follower_go_by(struct follower *follower, const struct policy *policy)
{
	/* Most containers are only watched, and have none. */
	if (policy && !follower->timer)
		follower->timer = evtimer_new(follower->shared->base, on_timer, follower);
	if (policy && !follower->timer) {
		follower_log(follower->container, LOG_LEVEL_ERROR, "memory",
			     "out of memory: a container is only watched", NULL, NULL);
		policy = NULL;
	}
	follower->policy = policy;
}

/* The counts as they are now, whatever the record said: it may be older than they are. */
void follower_step_by_counts(struct follower *follower, enum lifecycle_event if_none)
{
	const struct container *container = follower->container;

	if (follower_holders(follower)) {
		if (container->counts.tasks)
			follower_step(follower, LIFECYCLE_TASK);
		return;
	}
	if (container->task_exits)
		follower_step(follower, if_none);
	else
		follower_step(follower, LIFECYCLE_UNTASKED);
}

/* --- what the watch tells --- */

/*
 * Once it is known: when the sandbox ends, its process can no longer be asked. Its gofer counts as well, and
 * that one is PID 1 of a namespace of its own.
 */
static void learn_shell(struct follower *follower)
{
	const struct container *container = follower->container;

	if (!container_is_guest(container) && container->init.pid &&
	    guard_is_sandbox(follower->shared->watch, container))
		follower->is_shell = true;
}

static void on_found(struct follower *follower)
{
	follower->life_number = follower->container->life;
	learn_shell(follower);
	follower_match_policy(follower); /* without another try: its names were read a moment ago */
	follower->learn_tries = FOLLOWER_LEARN_TRIES;
	follower_log_found(follower->container);
	if (follower->container->is_gone)
		follower_step(follower, LIFECYCLE_INIT_EXIT); /* while nobody was there to read */
	else if (follower->container->counts.tasks)
		follower_step(follower, LIFECYCLE_TASK);
	else if (follower->container->task_exits)
		follower_step_by_counts(follower,
					LIFECYCLE_LAST_EXIT); /* over before it was looked at */
}

void follower_match_policy_again(struct follower *follower)
{
	const struct policy *before = follower->policy;

	follower_match_policy(follower);
	if (follower->policy && follower->policy != before &&
	    follower->life.state == LIFECYCLE_SETTLING)
		follower_step(follower, LIFECYCLE_LAST_EXIT);
	else
		follower_arm_timer(follower);
}

static void on_init(struct follower *follower)
{
	follower->learn_tries = FOLLOWER_LEARN_TRIES; /* another program, and other arguments */
	learn_shell(follower);
	follower_log_init(follower->container);
	/* The init whose end was seen was not the container's after all. */
	if (follower->life.state == LIFECYCLE_GONE && !follower->container->is_gone) {
		follower->life = (struct lifecycle){.state = LIFECYCLE_STARTING};
		follower_match_policy(follower);
		follower_step_by_counts(follower, LIFECYCLE_LAST_EXIT);
	}
	follower_match_policy_again(follower);
}

void follower_policies_changed(struct follower *follower)
{
	struct policies *old = follower->policies;

	if (follower_is_ending(follower) || old == follower->shared->policies)
		return;
	follower->policies = policies_ref(follower->shared->policies);
	follower_forget_refusal(follower);
	/* No pointer into the old ones may stay; and a policy of the same name may say other things. */
	follower->policy = NULL;
	memset(&follower->choice, 0, sizeof(follower->choice));
	policies_unref(old);
	follower_match_policy_again(follower);
}

static void on_reread(struct follower *follower)
{
	const char *check;
	struct error error;

	learn_shell(follower);
	follower_match_policy(follower);
	if (follower->container->init.pid && !container_is_guest(follower->container) &&
	    guard_check_init(follower->shared->watch, follower->container, NULL, false, &check,
			     &error) == -ESRCH)
		follower_step(follower, LIFECYCLE_INIT_EXIT);
	else if (follower->life.state != LIFECYCLE_SETTLING || follower_holders(follower))
		follower_step_by_counts(follower, LIFECYCLE_LAST_EXIT);
}

void follower_change(struct follower *follower, enum watch_change change)
{
	if (change != WATCH_FOUND && change != WATCH_REMOVED)
		notice_exec(follower);
	switch (change) {
	case WATCH_FOUND:
		on_found(follower);
		return;
	case WATCH_INIT:
		on_init(follower);
		return;
	case WATCH_EXEC: /* noticed */
		learn_shell(follower);
		return;
	case WATCH_IDENTITY:
		follower_match_policy_again(follower);
		return;
	case WATCH_TASK:
		if (!follower->policy)
			follower_match_policy(follower);
		/* It may be older than a re-read that has seen the task's end, and begun settle. */
		if (follower->container->counts.tasks)
			follower_step(follower, LIFECYCLE_TASK);
		return;
	case WATCH_IDLE:
		follower_step_by_counts(follower, LIFECYCLE_IDLE);
		return;
	case WATCH_REREAD:
		on_reread(follower);
		return;
	case WATCH_REMOVED:
		follower_step(follower, LIFECYCLE_REMOVED);
		return;
	}
}

void follower_exit(struct follower *follower, const struct record_exit *record)
{
	notice_exec(follower);
	if (record->role == ROLE_INIT) {
		follower_step(follower, LIFECYCLE_INIT_EXIT);
		return;
	}
	if (!(record->head.flags & (EXIT_LAST | EXIT_EMPTY)))
		return;
	/* What a small init leads to may be another program by now. */
	if (!follower->policy || manager_may_lead(&follower->container->init_args))
		follower_match_policy(follower);
	/* A probe that came and went does not start settle anew. */
	if (follower->life.state == LIFECYCLE_SETTLING && !(record->head.flags & EXIT_LAST))
		return;
	if (!follower_holders(follower) && follower->container->task_exits)
		follower_step(follower, LIFECYCLE_LAST_EXIT);
}

struct follower *follower_new(const struct follower_shared *shared, struct container *container)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	if (!follower)
		return NULL;
	follower->shared = shared;
	follower->container = container;
	follower->policies = policies_ref(shared->policies);
	aim_init(&follower->aim);
	aim_init(&follower->holder_aim);
	follower->ordered_code = FOLLOWER_NO_CODE;
	container->follower = follower;
	return follower;
}

void follower_free(struct follower *follower)
{
	if (!follower)
		return;
	follower->container->follower = NULL;
	if (follower->timer)
		event_free(follower->timer);
	follower_let_go(follower);
	follower_forget_holder(follower);
	follower_forget_refusal(follower);
	follower_forget_unread(follower);
	policies_unref(follower->policies);
	free(follower);
}

/* --- by hand, and for show --- */

/* 0: it may be tried. */
static int check_order(const struct follower *follower, struct error *error)
{
	if (follower->shared->is_dry_run)
		return error_set(error, -EOPNOTSUPP, "the agent runs with --dry-run");
	if (follower->life.state == LIFECYCLE_GONE)
		return error_set(error, -ESRCH, "it has ended already");
	if (follower_is_ending(follower) || follower->is_order_due)
		return error_set(error, -EAGAIN, "it is ending already");
	if (!follower->container->init.pid)
		return error_set(error, -ESRCH, "it has no init yet");
	return 0;
}

static void carry_out(struct follower *follower, int err, const char *reason)
{
	follower->is_order_due = false;
	if (!err) {
		follower->is_ordered = true;
		follower_step(follower, LIFECYCLE_ORDERED);
		return;
	}
	follower->policy = NULL;
	follower_match_policy(follower);
	follower->ordered_code = FOLLOWER_NO_CODE;
	follower_let_go(follower);
	if (container_is_guest(follower->container) && follower->shared->on_refused)
		follower->shared->on_refused(follower->shared->context, follower->container,
					     reason);
}

int follower_finish(struct follower *follower, int code, struct error *error)
{
	struct member holder;
	int err = check_order(follower, error);

	if (err)
		return err;
	follower_go_by(follower, follower_ordered_policy(follower));
	if (!follower->policy)
		return error_set(error, -ENOMEM, "out of memory");
	follower->ordered_code = code;
	follower->is_order_due = true;
	if (container_is_guest(follower->container)) {
		follower_guest_look(follower);
		return 0;
	}
	err = follower_look_inside(follower, follower->policy, &holder, error);
	carry_out(follower, err, err ? error->text : "");
	return err;
}

void follower_look(const struct follower *follower, struct follower_view *ret_view)
{
	*ret_view = (struct follower_view){
		.state = follower->life.state,
		.choice = &follower->choice,
		.acts_by = follower->policy,
		.waits_by = follower->policy ? follower->policy : follower_ordered_policy(follower),
		.settle = follower_settle(follower, follower->policy ?
							    follower->policy :
							    follower_ordered_policy(follower)),
		.refusal = follower->refusal ? follower->refusal : "",
		.holder = follower->holder.pid ? &follower->holder : NULL,
		.blocked_by = follower->blocked_by ? follower->blocked_by : "",
		.deadline_ns = follower->life.deadline_ns,
	};
}
