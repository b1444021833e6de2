// SPDX-License-Identifier: Apache-2.0
#include "agent/follower.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/follower_log.h"
#include "agent/guard.h"
#include "base/clock.h"
#include "base/log.h"
#include "sys/pidfd.h"

enum {
	/* Init's argv is there a moment after its name: so often it is read again without a match. */
	FOLLOWER_LEARN_TRIES = 3,
};

struct follower {
	const struct follower_shared *shared;
	struct container *container;
	const struct policy *policy; /* the one that matched; NULL: watch only */
	struct lifecycle life;
	struct event *timer;
	struct event *ended; /* init's pidfd became readable */
	int pidfd;	     /* -1: not opened yet */
	unsigned learn_tries;
	uint64_t latency_ns;
	bool was_asked;
	bool was_killed;
	bool is_refused; /* said so, once */
};

static void step(struct follower *follower, enum lifecycle_event event);

static void report(struct follower *follower, enum outcome_how how)
{
	struct outcome outcome = {
		.container = follower->container,
		.how = how,
		.time_ns = clock_boot_ns(),
		.latency_ns = follower->latency_ns,
		.has_latency = follower->was_asked && follower->container->last_task.is_known,
	};

	if (!follower->policy)
		return;
	outcome.policy = follower->policy->name;
	outcome.settle_ns = follower->policy->timing.settle_ns;
	follower->shared->on_outcome(follower->shared->context, &outcome);
}

/* --- the policy --- */

/* How many hold the container, as the kernel counts them. */
static unsigned holders(const struct follower *follower)
{
	const struct abi_counts *counts = &follower->container->counts;

	if (follower->policy && !follower->policy->injected_holds)
		return counts->tasks;
	return counts->tasks + counts->injected;
}

static const struct policy *choose(const struct follower *follower)
{
	const struct container *container = follower->container;
	const struct identity identity = {.runtime = container->identity.runtime};
	const struct policy_subject subject = {&identity, "", container->init.comm,
					       container->argv0};
	struct policy_choice choice = policy_set_choose(follower->shared->policies, &subject);

	return choice.policy && choice.policy->action == POLICY_FINISH ? choice.policy : NULL;
}

/* Init's names may change until it is asked to end: looked at anew whenever they might have. */
static void match_policy(struct follower *follower)
{
	if (follower->was_asked || !follower->container->init.pid)
		return;
	follower->policy = choose(follower);
	if (follower->policy || !follower->shared->policies->count || !follower->learn_tries)
		return;
	follower->learn_tries--;
	watch_learn_init(follower->shared->watch, follower->container);
	follower->policy = choose(follower);
}

static const struct lifecycle_timing *timing(const struct follower *follower)
{
	static const struct lifecycle_timing none;

	return follower->policy ? &follower->policy->timing : &none;
}

/* --- signals --- */

/* A pidfd on init, verified after it was opened. 0, or a negative errno: do not signal. */
static int take_aim(struct follower *follower, struct error *error)
{
	int err;

	if (follower->pidfd < 0) {
		err = pidfd_open_process(follower->container->init.pid);
		if (err < 0)
			return error_set(error, err, "init cannot be opened: %s", strerror(-err));
		follower->pidfd = err;
	}
	return guard_check_init(follower->shared->watch, follower->container, error);
}

static void drop_aim(struct follower *follower)
{
	if (follower->ended)
		event_free(follower->ended);
	follower->ended = NULL;
	if (follower->pidfd >= 0)
		(void)close(follower->pidfd);
	follower->pidfd = -1;
}

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

static void await_end(struct follower *follower)
{
	if (follower->ended)
		return;
	follower->ended = event_new(follower->shared->base, follower->pidfd, EV_READ, on_init_ended,
				    follower);
	if (follower->ended)
		(void)event_add(follower->ended, NULL); /* the exit record comes in any case */
}

static void send_signal(struct follower *follower, int signal)
{
	int err = pidfd_signal(follower->pidfd, signal);

	if (err)
		/* Dead since the last look: its exit is on the way. */
		follower_log(follower->container, LOG_LEVEL_DEBUG, "signal", "init took no signal",
			     "error", strerror(-err));
}

static void ask(struct follower *follower)
{
	if (follower->shared->is_dry_run) {
		report(follower, OUTCOME_DRY_RUN);
		/* And wait for the next last exit. */
		follower->life = (struct lifecycle){.state = LIFECYCLE_SETTLING};
		return;
	}
	follower->was_asked = true;
	send_signal(follower, follower->policy->signal);
	follower->latency_ns = clock_boot_ns() - follower->container->last_task.time_ns;
	await_end(follower);
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
		follower_log(follower->container, LOG_LEVEL_WARN, "spared",
			     "init outlived its grace, but a task lives again: not killed", NULL,
			     NULL);
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
	unsigned actions;

	follower->life = lifecycle_step(follower->life, event, clock_boot_ns(), timing(follower),
					&actions);
	if (follower->life.state != from)
		follower_log_state(follower->container, from, follower->life.state, event);
	act(follower, actions);
	if (follower->life.state != from && follower->shared->on_state)
		follower->shared->on_state(follower->shared->context, follower->container,
					   follower->life.state);
	arm_timer(follower);
	/* Aimed anew each time: init may come to be another process until it is asked. */
	if (follower->life.state != LIFECYCLE_STOPPING && follower->life.state != LIFECYCLE_KILLING)
		drop_aim(follower);
}

static void refuse(struct follower *follower, const char *reason)
{
	if (!follower->is_refused)
		follower_log(follower->container, LOG_LEVEL_WARN, "refused",
			     "a container is not finished, although its policy asks for it",
			     "reason", reason);
	follower->is_refused = true;
	follower->life.deadline_ns = 0;
}

/*
 * The timer has fired: look at the target, then at everybody, then decide, then act at once.
 * While a pidfd is held and verified, init's number cannot come to mean somebody else.
 */
static void look_again(struct follower *follower)
{
	struct watch *watch = follower->shared->watch;
	struct member holder = {0};
	struct error error;
	int err;

	if (guard_is_paused(watch, follower->container)) {
		step(follower, LIFECYCLE_PAUSED);
		return;
	}
	err = take_aim(follower, &error);
	if (err == -EPERM) {
		refuse(follower, error.text);
		return;
	}
	if (!err)
		err = guard_find_holder(watch, follower->container,
					follower->policy->injected_holds, &holder);
	if (err == -ESRCH || err == -ENOENT) {
		/* Init or its cgroup is gone; if the records do not say so soon, the pidfd does. */
		if (follower->pidfd >= 0)
			await_end(follower);
		return;
	}
	if (err) {
		follower_log(follower->container, LOG_LEVEL_DEBUG, "unread",
			     "a container cannot be read", "error", strerror(-err));
		step(follower, LIFECYCLE_BUSY);
		return;
	}
	/* Once more, the cheapest look: a task that init forked while the others were taken. */
	if (!holder.pid && watch_refresh(watch, follower->container) && holders(follower)) {
		step(follower, LIFECYCLE_BUSY);
		return;
	}
	if (!holder.pid) {
		step(follower, LIFECYCLE_EMPTY);
		return;
	}
	follower_log_holder(follower->container, &holder);
	/* The kernel side says nobody holds, but somebody does: it has missed a process. */
	if (!holders(follower))
		watch_recount(watch);
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

static void on_init(struct follower *follower)
{
	bool had_policy = follower->policy;

	follower->learn_tries = FOLLOWER_LEARN_TRIES; /* another program, and other arguments */
	match_policy(follower);
	follower_log(follower->container, LOG_LEVEL_DEBUG, "init", "init is known", "init",
		     follower->container->init.comm);
	/* The init whose end was seen was not the container's after all. */
	if (follower->life.state == LIFECYCLE_GONE && !follower->container->is_gone) {
		follower->life = (struct lifecycle){.state = LIFECYCLE_STARTING};
		look_at_counts(follower, LIFECYCLE_LAST_EXIT);
	}
	/* It was settling without anybody to act: now there is. */
	if (!had_policy && follower->policy && follower->life.state == LIFECYCLE_SETTLING)
		step(follower, LIFECYCLE_LAST_EXIT);
}

static void on_reread(struct follower *follower)
{
	struct error error;

	match_policy(follower);
	if (follower->container->init.pid &&
	    guard_check_init(follower->shared->watch, follower->container, &error) == -ESRCH)
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
	follower->pidfd = -1;
	follower->learn_tries = FOLLOWER_LEARN_TRIES;
	follower->timer = evtimer_new(shared->base, on_timer, follower);
	if (!follower->timer) {
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
	drop_aim(follower);
	free(follower);
}
