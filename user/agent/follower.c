// SPDX-License-Identifier: Apache-2.0
#include "agent/follower.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/aim.h"
#include "agent/follower_log.h"
#include "agent/guard.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	/* Init's argv is there a moment after its name: so often it is read again without a match. */
	FOLLOWER_LEARN_TRIES = 3,
};

struct follower {
	const struct follower_shared *shared;
	struct container *container;
	struct policies *policies; /* whose set `choice` and `policy` point into */
	struct policy_choice choice;
	const struct policy *policy; /* acts by this one; NULL: watch only */
	struct lifecycle life;
	struct event *timer;
	struct aim aim;
	unsigned learn_tries;
	uint64_t latency_ns;
	bool is_ordered; /* somebody has asked for the end by hand */
	bool was_asked;
	bool was_killed;
	struct error refusal; /* said in the log, once */
};

static void step(struct follower *follower, enum lifecycle_event event);
static void arm_timer(struct follower *follower);

static void report(struct follower *follower, enum outcome_how how)
{
	struct outcome outcome = {
		.container = follower->container,
		.how = how,
		.time_ns = clock_boot_ns(),
		.latency_ns = follower->latency_ns,
		.has_latency = follower->was_asked && follower->container->last_task.is_known,
		.is_ordered = follower->is_ordered,
	};

	if (!follower->policy)
		return;
	outcome.policy = follower->policy->name;
	outcome.settle_ns = follower->policy->timing.settle_ns;
	follower->shared->on_outcome(follower->shared->context, &outcome);
}

/* --- the policy --- */

struct policy_subject follower_subject(const struct container *container)
{
	return (struct policy_subject){
		.identity = &container->identity,
		.cgroup = container->path,
		.comm = container->init.comm,
		.argv0 = container->argv0,
	};
}

/* How many hold the container, as the kernel counts them. */
static unsigned holders(const struct follower *follower)
{
	const struct abi_counts *counts = &follower->container->counts;

	if (follower->policy && !follower->policy->injected_holds)
		return counts->tasks;
	return counts->tasks + counts->injected;
}

static bool is_ending(const struct follower *follower)
{
	return follower->life.state == LIFECYCLE_STOPPING ||
	       follower->life.state == LIFECYCLE_KILLING;
}

static void choose(struct follower *follower)
{
	struct policy_subject subject = follower_subject(follower->container);

	follower->choice = policy_set_choose(&follower->policies->set, &subject);
}

/* Init's names may change until it is asked to end: looked at anew whenever they might have. */
static void match_policy(struct follower *follower)
{
	const struct policy_choice *choice = &follower->choice;
	const char *was_rejected = choice->rejected;

	if (is_ending(follower) || !follower->container->init.pid)
		return;
	choose(follower);
	if (!choice->policy && !choice->is_off && follower->learn_tries) {
		follower->learn_tries--;
		watch_learn_init(follower->shared->watch, follower->container);
		choose(follower);
	}
	if (choice->rejected && !was_rejected)
		follower_log(follower->container, LOG_LEVEL_WARN, "choice",
			     "a container asks for a policy that is not selectable", "asked",
			     choice->rejected);
	follower->policy = choice->policy && choice->policy->action == POLICY_FINISH ?
				   choice->policy :
				   NULL;
}

/* By what its last task exited with, it may be known that a restart follows: then wait longer. */
static struct lifecycle_timing timing(const struct follower *follower)
{
	const struct ended *last = &follower->container->last_task;
	struct lifecycle_timing timing = {0};

	if (!follower->policy)
		return timing;
	timing = follower->policy->timing;
	timing.settle_ns = policy_settle_ns(follower->policy, last->is_known, last->status);
	return timing;
}

/* At most so many of one workload: one that is started again each time it ends. */
static bool is_limited(struct follower *follower)
{
	const struct policy_limit *limit = &follower->policy->limit;
	struct limiter *limiter = follower->shared->limiter;
	_cleanup_(buf_done) struct buf workload = {0};
	bool is_allowed, has_forgotten = false;
	uint64_t now_ns = clock_boot_ns();

	if (follower->is_ordered || !limit->count)
		return false;
	limiter_put_workload(&workload, &follower->container->identity);
	if (workload.failed)
		return true;
	is_allowed = limiter_allows(limiter, workload.data, limit, now_ns);
	if (is_allowed && limiter_record(limiter, workload.data, limit, now_ns, &has_forgotten) < 0)
		return true; /* cannot count: do less rather than more */
	if (has_forgotten)
		log_message(LOG_LEVEL_WARN, "limit",
			    "too many workloads to remember: the oldest was forgotten");
	return !is_allowed;
}

static void refuse(struct follower *follower, const char *reason)
{
	if (strcmp(follower->refusal.text, reason) != 0)
		follower_log(follower->container, LOG_LEVEL_WARN, "refused",
			     "a container is not finished, although its policy asks for it",
			     "reason", reason);
	(void)error_set(&follower->refusal, 0, "%s", reason);
	follower->life.deadline_ns = 0;
}

/* --- signals --- */

/* Init's pidfd: the record of its exit is in the ring buffer by now, or was lost. */
static void on_init_ended(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;
	struct watch *watch = follower->shared->watch;
	uint64_t cgroup = follower->container->cgroup;
	struct container *container;

	(void)fd;
	(void)what;
	watch_drain(watch);
	container = watch_find(watch, cgroup);
	if (!container)
		return; /* gone with the records just read, and the follower with it */
	follower = container->follower;
	if (follower->life.state != LIFECYCLE_GONE)
		step(follower, LIFECYCLE_INIT_EXIT);
}

static void send_signal(struct follower *follower, int signal)
{
	int err = aim_signal(&follower->aim, signal);

	if (err)
		/* Dead since the last look: its exit is on the way. */
		follower_log(follower->container, LOG_LEVEL_DEBUG, "signal", "init took no signal",
			     "error", strerror(-err));
}

/* Asked or not, this last exit is dealt with: what follows is the next one. */
static void wait_for_next(struct follower *follower)
{
	follower->life = (struct lifecycle){.state = LIFECYCLE_SETTLING};
}

static void ask(struct follower *follower)
{
	if (follower->shared->is_dry_run) {
		report(follower, OUTCOME_DRY_RUN);
		wait_for_next(follower);
		return;
	}
	if (is_limited(follower)) {
		wait_for_next(follower);
		refuse(follower, "its workload was finished as often as `limit` permits");
		return;
	}
	follower->was_asked = true;
	send_signal(follower, follower->policy->signal);
	follower->latency_ns = clock_boot_ns() - follower->container->last_task.time_ns;
	aim_await(&follower->aim, follower->shared->base, on_init_ended, follower);
}

static void kill_init(struct follower *follower)
{
	follower->was_killed = true;
	send_signal(follower, SIGKILL);
}

/* --- steps --- */

static enum outcome_how how_it_ended(const struct follower *follower)
{
	if (follower->was_killed)
		return OUTCOME_KILL;
	return follower->was_asked ? OUTCOME_SIGNAL : OUTCOME_SELF;
}

static void spare(struct follower *follower)
{
	follower_log(follower->container, LOG_LEVEL_WARN, "spared",
		     "init outlived its grace, but a task lives again: not killed", NULL, NULL);
	follower->is_ordered = false;
	follower_policies_changed(follower);
}

static void act(struct follower *follower, unsigned actions)
{
	if (actions & LIFECYCLE_ASK && follower->policy)
		ask(follower);
	if (actions & LIFECYCLE_KILL)
		kill_init(follower);
	if (actions & LIFECYCLE_STUCK)
		follower_log(follower->container, LOG_LEVEL_ERROR, "stuck",
			     "a killed init does not end", "init", follower->container->init.comm);
	if (actions & LIFECYCLE_SPARED)
		spare(follower);
	if (actions & LIFECYCLE_REPORT)
		report(follower, how_it_ended(follower));
}

static void arm_timer(struct follower *follower)
{
	uint64_t now = clock_boot_ns(), wait;
	struct timeval delay;

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

static void step(struct follower *follower, enum lifecycle_event event)
{
	enum lifecycle_state from = follower->life.state;
	struct lifecycle_timing times = timing(follower);
	unsigned actions;

	follower->life = lifecycle_step(follower->life, event, clock_boot_ns(), &times, &actions);
	if (follower->life.state != from)
		follower_log_state(follower->container, from, follower->life.state, event);
	act(follower, actions);
	if (follower->life.state != from && follower->shared->on_state)
		follower->shared->on_state(follower->shared->context, follower->container,
					   follower->life.state);
	arm_timer(follower);
	/* Aimed anew each time: init may come to be another process until it is asked. */
	if (follower->life.state != LIFECYCLE_STOPPING && follower->life.state != LIFECYCLE_KILLING)
		aim_drop(&follower->aim);
}

/*
 * Looks at the target, then at everybody, just before something is decided and done at once. While
 * a pidfd is held and verified, init's number cannot come to mean somebody else. 0: nobody lives.
 * -EBUSY: somebody does, *ret_holder, or the kernel side says so and ret_holder->pid is 0. -EAGAIN:
 * not now. Others as guard_check_init.
 */
static int look(struct follower *follower, const struct policy *policy, struct member *ret_holder,
		struct error *error)
{
	struct container *container = follower->container;
	struct watch *watch = follower->shared->watch;
	int err;

	memset(ret_holder, 0, sizeof(*ret_holder));
	if (guard_is_paused(watch, container))
		return error_set(error, -EAGAIN, "it is paused");
	err = aim_take(&follower->aim, container->init.pid, error);
	if (!err)
		err = guard_check_init(watch, container, policy, error);
	if (err)
		return err;
	err = guard_find_holder(watch, container, policy->injected_holds, ret_holder);
	if (err)
		return error_set(error, err, "its processes cannot be read: %s", strerror(-err));
	if (ret_holder->pid)
		return error_set(error, -EBUSY, "process %d (%s) lives in it", ret_holder->pid,
				 role_name(ret_holder->role));
	/* Once more, the cheapest look: a task that init forked while the others were taken. */
	if (watch_refresh(watch, container) && holders(follower))
		return error_set(error, -EBUSY, "a task has just been started in it");
	return 0;
}

/* The timer has fired. */
static void look_again(struct follower *follower)
{
	struct member holder;
	struct error error;
	int err = look(follower, follower->policy, &holder, &error);

	switch (err) {
	case 0:
		step(follower, LIFECYCLE_EMPTY);
		return;
	case -EAGAIN:
		step(follower, LIFECYCLE_PAUSED);
		return;
	case -EPERM:
		refuse(follower, error.text);
		return;
	case -ESRCH:
	case -ENOENT:
		/* Init or its cgroup is gone; if the records do not say so soon, the pidfd does. */
		aim_await(&follower->aim, follower->shared->base, on_init_ended, follower);
		return;
	case -EBUSY:
		break;
	default:
		follower_log(follower->container, LOG_LEVEL_DEBUG, "unread",
			     "a container cannot be read", "error", error.text);
	}
	if (holder.pid) {
		follower_log_holder(follower->container, &holder);
		/* The kernel side says nobody holds, but somebody does: it has missed a process. */
		if (!holders(follower))
			watch_reread(follower->shared->watch, WATCH_REREAD_DOUBT);
	}
	step(follower, LIFECYCLE_BUSY);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;

	(void)fd;
	(void)what;
	follower->life.deadline_ns = 0;
	if (!follower->policy || !watch_refresh(follower->shared->watch, follower->container))
		return;
	if (follower->life.state == LIFECYCLE_KILLING) {
		step(follower, LIFECYCLE_EMPTY);
		return;
	}
	if (!holders(follower)) {
		look_again(follower);
		return;
	}
	/* Counted holders tell of their end themselves: no timer is needed for them. */
	if (follower->life.state != LIFECYCLE_WORKING)
		step(follower, LIFECYCLE_BUSY);
	follower->life.deadline_ns = 0;
	arm_timer(follower);
}

/* The counts as they are now, whatever the record said: it may be older than they are. */
static void look_at_counts(struct follower *follower, enum lifecycle_event if_none)
{
	const struct container *container = follower->container;

	if (holders(follower)) {
		if (container->counts.tasks)
			step(follower, LIFECYCLE_TASK);
		return;
	}
	if (container->task_exits)
		step(follower, if_none);
	else
		step(follower, LIFECYCLE_UNTASKED);
}

/* --- what the watch tells --- */

static void on_found(struct follower *follower)
{
	match_policy(follower);
	follower_log_found(follower->container);
	if (follower->container->counts.tasks)
		step(follower, LIFECYCLE_TASK);
	else if (follower->container->task_exits)
		look_at_counts(follower, LIFECYCLE_LAST_EXIT); /* over before it was looked at */
}

/* It was settling without anybody to act, or by other times: now there is somebody. */
static void match_policy_again(struct follower *follower)
{
	const struct policy *before = follower->policy;

	match_policy(follower);
	if (follower->policy && follower->policy != before &&
	    follower->life.state == LIFECYCLE_SETTLING)
		step(follower, LIFECYCLE_LAST_EXIT);
	else
		arm_timer(follower);
}

static void on_init(struct follower *follower)
{
	follower->learn_tries = FOLLOWER_LEARN_TRIES; /* another program, and other arguments */
	follower_log(follower->container, LOG_LEVEL_DEBUG, "init", "init is known", "init",
		     follower->container->init.comm);
	/* The init whose end was seen was not the container's after all. */
	if (follower->life.state == LIFECYCLE_GONE && !follower->container->is_gone) {
		follower->life = (struct lifecycle){.state = LIFECYCLE_STARTING};
		match_policy(follower);
		look_at_counts(follower, LIFECYCLE_LAST_EXIT);
	}
	match_policy_again(follower);
}

void follower_policies_changed(struct follower *follower)
{
	struct policies *old = follower->policies;

	if (is_ending(follower) || old == follower->shared->policies)
		return;
	follower->policies = policies_ref(follower->shared->policies);
	follower->refusal.text[0] = '\0';
	/* No pointer into the old ones may stay; and a policy of the same name may say other things. */
	follower->policy = NULL;
	memset(&follower->choice, 0, sizeof(follower->choice));
	policies_unref(old);
	match_policy_again(follower);
}

static void on_reread(struct follower *follower)
{
	struct error error;

	match_policy(follower);
	if (follower->container->init.pid &&
	    guard_check_init(follower->shared->watch, follower->container, follower->policy,
			     &error) == -ESRCH)
		step(follower, LIFECYCLE_INIT_EXIT);
	else if (follower->life.state != LIFECYCLE_SETTLING || holders(follower))
		look_at_counts(follower, LIFECYCLE_LAST_EXIT);
}

void follower_change(struct follower *follower, enum watch_change change)
{
	switch (change) {
	case WATCH_FOUND:
		on_found(follower);
		return;
	case WATCH_INIT:
		on_init(follower);
		return;
	case WATCH_IDENTITY:
		match_policy_again(follower);
		return;
	case WATCH_TASK:
		if (!follower->policy)
			match_policy(follower);
		step(follower, LIFECYCLE_TASK);
		return;
	case WATCH_IDLE:
		look_at_counts(follower, LIFECYCLE_IDLE);
		return;
	case WATCH_REREAD:
		on_reread(follower);
		return;
	case WATCH_REMOVED:
		step(follower, LIFECYCLE_REMOVED);
		return;
	}
}

void follower_exit(struct follower *follower, const struct record_exit *record)
{
	if (record->role == ROLE_INIT) {
		step(follower, LIFECYCLE_INIT_EXIT);
		return;
	}
	if (!(record->head.flags & (EXIT_LAST | EXIT_EMPTY)))
		return;
	if (!follower->policy)
		match_policy(follower);
	/* A probe that came and went does not start settle anew. */
	if (follower->life.state == LIFECYCLE_SETTLING && !(record->head.flags & EXIT_LAST))
		return;
	if (!holders(follower) && follower->container->task_exits)
		step(follower, LIFECYCLE_LAST_EXIT);
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
	follower->learn_tries = FOLLOWER_LEARN_TRIES;
	follower->timer = evtimer_new(shared->base, on_timer, follower);
	if (!follower->timer) {
		policies_unref(follower->policies);
		free(follower);
		return NULL;
	}
	container->follower = follower;
	return follower;
}

void follower_free(struct follower *follower)
{
	if (!follower)
		return;
	follower->container->follower = NULL;
	event_free(follower->timer);
	aim_drop(&follower->aim);
	policies_unref(follower->policies);
	free(follower);
}

/* --- by hand, and for show --- */

static const struct policy *ordered_policy(const struct follower *follower)
{
	return follower->choice.policy ? follower->choice.policy :
					 &follower->policies->set.defaults;
}

int follower_finish(struct follower *follower, struct error *error)
{
	const struct policy *before = follower->policy;
	struct member holder;
	int err;

	if (follower->shared->is_dry_run)
		return error_set(error, -EOPNOTSUPP, "the agent runs with --dry-run");
	if (is_ending(follower) || follower->life.state == LIFECYCLE_GONE)
		return error_set(error, -EAGAIN, "it is ending already");
	if (!follower->container->init.pid)
		return error_set(error, -ESRCH, "it has no init yet");
	follower->policy = ordered_policy(follower);
	err = look(follower, follower->policy, &holder, error);
	if (err) {
		follower->policy = before;
		aim_drop(&follower->aim);
		return err;
	}
	follower->is_ordered = true;
	step(follower, LIFECYCLE_ORDERED);
	return 0;
}

void follower_look(const struct follower *follower, struct follower_view *ret_view)
{
	*ret_view = (struct follower_view){
		.state = follower->life.state,
		.choice = &follower->choice,
		.acts_by = follower->policy,
		.waits_by = follower->policy ? follower->policy : ordered_policy(follower),
		.refusal = follower->refusal.text,
		.deadline_ns = follower->life.deadline_ns,
	};
}
