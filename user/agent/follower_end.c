// SPDX-License-Identifier: Apache-2.0
/* The last look, and the end of init: by its exit status, by a signal, by SIGKILL. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "agent/follower_log.h"
#include "agent/follower_private.h"
#include "agent/holders.h"
#include "agent/safety_checks.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/exit_status.h"
#include "host/termination_log.h"
#include "out/termination_text.h"

static enum outcome_how how_it_ended(const struct follower *follower)
{
	if (follower->was_killed)
		return OUTCOME_KILL;
	if (follower->was_by_status)
		return OUTCOME_STATUS;
	return follower->was_asked ? OUTCOME_SIGNAL : OUTCOME_SELF;
}

/* Is the status of its work one that no hook has seen? */
static bool is_unseen(const struct follower *follower)
{
	const struct container *container = follower->container;

	if (follower->policy->status == POLICY_STATUS_WORST && container->first_failure.time_ns)
		return ended_is_unseen(&container->first_failure);
	return container->task_exits && !container->last_task.is_known;
}

static struct outcome outcome_of(const struct follower *follower, enum outcome_how how)
{
	return (struct outcome){
		.container = follower->container,
		.policy = follower->policy->name,
		.how = how,
		.time_ns = clock_boot_ns(),
		.settle_ns = follower_timing(follower).settle_ns,
		.latency_ns = follower->latency_ns,
		.has_latency = follower->was_asked && follower->container->last_task.is_known,
		.is_ordered = follower->is_ordered,
		.is_unseen = is_unseen(follower),
		.fallback = follower->fallback,
	};
}

static void report(struct follower *follower, enum outcome_how how)
{
	struct outcome outcome;

	if (!follower->policy)
		return;
	outcome = outcome_of(follower, how);
	follower->shared->on_outcome(follower->shared->context, &outcome);
}

/* What a person or client requested goes by no match; what is being killed has had its signal. */
static bool has_current_policy(const struct follower *follower)
{
	return follower->is_ordered || follower->life.state == LIFECYCLE_KILLING ||
	       follower_has_current_policy(follower);
}

/* A program that init has just become is not ended for what the one before it did. */
static int check_program(const struct follower *follower, struct error *error)
{
	const struct container *container = follower->container;

	if (follower->is_order_due || (follower_is_ending(follower) && !follower->is_signal_due))
		return 0;
	if (container->is_init_execing)
		return error_set(error, -EAGAIN, "init is about to execute another program");
	if (container->life != follower->life_number)
		return error_set(error, -EAGAIN, "init has just executed another program");
	if (!has_current_policy(follower))
		return error_set(error, -EAGAIN, "init has another name, for another policy");
	return 0;
}

int follower_look_inside(struct follower *follower, const struct policy *policy,
			 struct member *ret_holder, struct error *error)
{
	struct container *container = follower->container;
	struct watch *watch = follower->shared->watch;
	int err;

	memset(ret_holder, 0, sizeof(*ret_holder));
	/* Which supervisor it leads to may have changed without an exec of init. */
	if (manager_may_lead(&container->init_args) ||
	    container->init_args.answer == ANSWER_UNREADABLE)
		watch_learn_init(watch, container);
	err = aim_take(&follower->aim, container->init.pid, error);
	if (!err)
		err = guard_check_init(watch, container, policy, follower_is_requested(follower),
				       &follower->failed_check, error);
	if (err)
		return err;
	err = holders_find(watch, container, policy->injected_holds, ret_holder);
	if (err)
		return error_set(error, err, "its processes cannot be read: %s", strerror(-err));
	if (ret_holder->is_dying || ret_holder->is_outside)
		return error_set(error, -EBUSY, "it is held by process %d (%s)", ret_holder->pid,
				 member_kind(ret_holder));
	if (ret_holder->pid)
		return error_set(error, -EBUSY, "process %d (%s) lives in it", ret_holder->pid,
				 member_kind(ret_holder));
	/* Once more, the cheapest look: a task that init forked while the others were taken. */
	if (!watch_refresh(watch, container))
		return 0;
	if (follower_holders(follower))
		return error_set(error, -EBUSY, "a task has just been started in it");
	return check_program(follower, error);
}

/* --- init's own end --- */

/* Init's pidfd: the record of its exit is in the ring buffer by now, or was lost. */
static void on_init_ended(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;
	struct watch *watch = follower->shared->watch;
	uint64_t cgroup = follower->container->cgroup;
	struct container *container;

	(void)fd;
	(void)what;
	if (!follower->end_written)
		follower->end_written = watch_written(watch);
	watch_drain(watch);
	container = watch_find(watch, cgroup);
	if (!container)
		return; /* gone with the records just read, and the follower with it */
	follower = container->follower;
	if (follower->life.state != LIFECYCLE_GONE &&
	    !watch_has_read(watch, follower->end_written)) {
		follower_await_end(follower); /* more records than fit in a turn: in the next one */
		return;
	}
	if (follower->life.state != LIFECYCLE_GONE)
		follower_step(follower, LIFECYCLE_INIT_EXIT);
}

void follower_await_end(struct follower *follower)
{
	aim_await(&follower->aim, follower->shared->base, on_init_ended, follower);
}

/* --- signals --- */

/*
 * Why PID 1 ended, where `kubectl describe pod` shows it. Before the end, since the kubelet reads it
 * right after; what the container wrote itself stays.
 */
static void write_termination_message(const struct follower *follower, enum outcome_how how)
{
	const char *path = follower->container->identity.termination_log;
	_cleanup_(buf_done) struct buf text = {0};
	struct outcome outcome = outcome_of(follower, how);
	int err;

	if (!path)
		return;
	text_put_termination(&text, &outcome);
	if (text.failed)
		return;
	err = termination_log_write("/", path, text.data, text.len);
	if (err)
		follower_log(follower->container, LOG_LEVEL_DEBUG, "termination",
			     "the termination message was not written", "error", strerror(-err));
}

static void send_signal(struct follower *follower, int signal)
{
	int err = aim_signal(&follower->aim, signal);

	if (err)
		/* Dead since the last look: its exit is on the way. */
		follower_log(follower->container, LOG_LEVEL_DEBUG, "signal", "init took no signal",
			     "error", strerror(-err));
}

static void note_latency(struct follower *follower)
{
	if (follower->container->last_task.is_known)
		follower->latency_ns = clock_boot_ns() - follower->container->last_task.time_ns;
}

void follower_signal(struct follower *follower)
{
	follower->is_signal_due = false;
	if (container_is_guest(follower->container))
		follower_guest_signal(follower, follower->policy->signal);
	else
		send_signal(follower, follower->policy->signal);
	note_latency(follower);
	write_termination_message(follower, OUTCOME_SIGNAL);
}

void follower_kill(struct follower *follower)
{
	follower->was_killed = true;
	if (container_is_guest(follower->container))
		follower_guest_signal(follower, SIGKILL);
	else
		send_signal(follower, SIGKILL);
}

/* --- by exit status --- */

/* As shells and `docker run` tell a signal. */
static int code_of(int status)
{
	int signal = exit_status_signal(status);

	return signal ? 128 + signal : exit_status_code(status);
}

/* What init is to exit with; FOLLOWER_NO_CODE: that is not asked for, or not known. */
static int choose_code(struct follower *follower)
{
	const struct container *container = follower->container;
	enum policy_status how = follower->policy->status;

	if (follower->ordered_code != FOLLOWER_NO_CODE)
		return follower->ordered_code;
	if (how == POLICY_STATUS_SIGNAL)
		return FOLLOWER_NO_CODE;
	if (is_unseen(follower)) {
		follower_log(container, LOG_LEVEL_WARN, "unseen",
			     "how a container's last task ended was not seen: taken as code 255",
			     NULL, NULL);
		return EXIT_STATUS_UNKNOWN;
	}
	if (how == POLICY_STATUS_WORST && container->first_failure.is_known)
		return code_of(container->first_failure.status);
	/* Requested, before any work has ended. */
	return container->last_task.is_known ? code_of(container->last_task.status) :
					       FOLLOWER_NO_CODE;
}

/* Init is what was looked at. What a person or client requested is done all the same. */
static bool has_same_program(const struct follower *follower)
{
	struct container *container = follower->container;

	return follower->is_ordered || !watch_refresh(follower->shared->watch, container) ||
	       (container->life == follower->life_number && !container->is_init_execing &&
		follower_has_current_policy(follower));
}

/* In the tracer, while init stands still: the very last look. */
static bool may_go_on(void *context)
{
	struct follower *follower = context;
	struct member holder;

	return has_same_program(follower) &&
	       !guard_is_paused(follower->shared->watch, follower->container) &&
	       holders_find(follower->shared->watch, follower->container,
			    follower->policy->injected_holds, &holder) == 0 &&
	       !holder.pid;
}

/* In the tracer, when the exit is certain. */
static void is_ending(void *context)
{
	write_termination_message(context, OUTCOME_STATUS);
}

static void log_fallback(const struct follower *follower, const char *text)
{
	follower_log(follower->container, LOG_LEVEL_WARN, "fallback",
		     "init is not ended by exit status, but by signal", "reason", text);
}

/* It goes on by signal, after another look: time has passed. */
static void fall_back(struct follower *follower, enum exit_by_status_result result)
{
	follower->fallback = exit_by_status_word(result);
	log_fallback(follower, exit_by_status_text(result));
	follower->is_signal_due = true;
	follower->life.deadline_ns = clock_boot_ns();
	follower_arm_timer(follower);
}

static void end_attempt(struct follower *follower, struct exit_by_status_report *ret_report)
{
	event_free(follower->attempt.done);
	follower->attempt.done = NULL;
	exit_by_status_finish(&follower->attempt.by_status, ret_report);
}

/* True if init is at its end by now, be it by us or by itself a moment before. */
static bool take_result(struct follower *follower, enum exit_by_status_result *ret_result)
{
	struct exit_by_status_report done;

	end_attempt(follower, &done);
	*ret_result = done.result;
	follower->was_by_status = done.result == EXIT_BY_STATUS_DONE;
	if (done.result == EXIT_BY_STATUS_ENDING || done.result == EXIT_BY_STATUS_GONE)
		follower->was_asked = false;
	return follower->was_by_status || !follower->was_asked;
}

static void on_attempt_done(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;
	enum exit_by_status_result result;

	(void)fd;
	(void)what;
	if (take_result(follower, &result))
		return;
	if (result == EXIT_BY_STATUS_HELD)
		follower_step(follower, LIFECYCLE_BUSY);
	else
		fall_back(follower, result);
}

void follower_report(struct follower *follower)
{
	enum exit_by_status_result result;

	/* Init's exit was told before the tracer's. */
	if (follower->attempt.done)
		(void)take_result(follower, &result);
	report(follower, how_it_ended(follower));
}

/* 0: under way. */
static int start_attempt(struct follower *follower, int code)
{
	struct attempt *attempt = &follower->attempt;
	struct exit_by_status_request request = {
		.proc = watch_proc(follower->shared->watch),
		.pid = follower->container->init.pid,
		.start_ns = follower->container->init.start_ns,
		.pidfd = follower->aim.pidfd,
		.code = code,
		.may_go_on = may_go_on,
		.is_ending = is_ending,
		.context = follower,
	};
	int err = exit_by_status_start(&request, &attempt->by_status);

	if (err)
		return err;
	attempt->code = code;
	attempt->done = event_new(follower->shared->base, attempt->by_status.fd, EV_READ,
				  on_attempt_done, follower);
	if (attempt->done && event_add(attempt->done, NULL) == 0)
		return 0;
	if (attempt->done)
		event_free(attempt->done);
	attempt->done = NULL;
	exit_by_status_cancel(&attempt->by_status);
	return -ENOMEM;
}

/* True: under way, or done. */
static bool end_by_status(struct follower *follower)
{
	int code = choose_code(follower), err;

	if (code != FOLLOWER_NO_CODE && container_is_guest(follower->container)) {
		follower->fallback = "gvisor";
		log_fallback(follower, "nobody can trace into a gVisor sandbox from outside");
		return false;
	}
	if (code == FOLLOWER_NO_CODE)
		return false;
	err = start_attempt(follower, code);
	if (!err) {
		note_latency(follower);
		return true;
	}
	follower->fallback = exit_by_status_word(EXIT_BY_STATUS_FAILED);
	log_fallback(follower, strerror(-err));
	return false;
}

/* --- what the lifecycle asks for --- */

/* Asked or not, this last exit is dealt with: what follows is the next one. */
static void wait_for_next(struct follower *follower)
{
	follower->life = (struct lifecycle){.state = LIFECYCLE_SETTLING};
}

void follower_ask(struct follower *follower)
{
	static const char limit_reason[] = "its workload was finished as often as `limit` permits";

	if (follower->shared->is_dry_run) {
		follower_forget_refusal(follower);
		report(follower, OUTCOME_DRY_RUN);
		wait_for_next(follower);
		return;
	}
	if (follower_is_limited(follower)) {
		wait_for_next(follower);
		follower_refuse(follower, "limit", limit_reason);
		return;
	}
	if (follower->refusal && strcmp(follower->refusal, limit_reason) == 0)
		follower_log(follower->container, LOG_LEVEL_INFO, "limit",
			     "`limit` permits to finish the container again", "policy",
			     follower->policy->name);
	follower_forget_refusal(follower);
	follower->was_asked = true;
	follower->container->is_asked = true;
	follower->fallback = NULL;
	follower_await_end(follower);
	if (!end_by_status(follower))
		follower_signal(follower);
}

void follower_let_go(struct follower *follower)
{
	if (follower->attempt.done) {
		event_free(follower->attempt.done);
		follower->attempt.done = NULL;
		exit_by_status_cancel(&follower->attempt.by_status);
	}
	follower->is_signal_due = false;
	follower->is_looking = false;
	aim_drop(&follower->aim);
}
