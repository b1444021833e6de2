// SPDX-License-Identifier: Apache-2.0
/* Which policy a follower goes by, and what follows from it. */
#include <stdlib.h>
#include <string.h>

#include "agent/follower_log.h"
#include "agent/follower_private.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/*
 * May more be known of it than was read? Not of lastout's own, nor where no runtime keeps state; but a
 * container in a pod has some in any case.
 */
static bool is_unread(const struct container *container)
{
	const struct identity *identity = &container->identity;

	if (identity->runtime == RUNTIME_DEMO)
		return false;
	switch (container->identified) {
	case IDENTIFIED_PENDING:
	case IDENTIFIED_HALF:
	case IDENTIFIED_PARTLY:
		return true;
	case IDENTIFIED_BY_PATH:
		return identity->pod_uid[0] && !identity->namespace;
	case IDENTIFIED:
		break;
	}
	return false;
}

struct policy_subject follower_subject(const struct container *container)
{
	return (struct policy_subject){
		.identity = &container->identity,
		.cgroup = container->path,
		.comm = container->init.comm,
		.init_args = &container->init_args,
		.formers = container->formers,
		.former_count = container->former_count,
		.led_args = &container->led_args,
		.is_unread = is_unread(container),
	};
}

/* How many hold the container, as the kernel counts them. */
unsigned follower_holders(const struct follower *follower)
{
	const struct abi_counts *counts = &follower->container->counts;

	if (follower->policy && !follower->policy->injected_holds)
		return counts->tasks;
	return counts->tasks + counts->injected;
}

bool follower_is_ending(const struct follower *follower)
{
	return follower->life.state == LIFECYCLE_STOPPING ||
	       follower->life.state == LIFECYCLE_KILLING;
}

/* --- the choice --- */

static void choose(struct follower *follower)
{
	struct policy_subject subject = follower_subject(follower->container);

	follower->choice = policy_set_choose(&follower->policies->set, &subject);
}

/* --- what is not readable yet --- */

/* So that a person finds what cannot be read. */
static void put_unread(struct buf *text, const struct follower *follower)
{
	const struct policy_choice *choice = &follower->choice;
	const struct container *container = follower->container;
	const struct unread *unread = &container->identity.unread;

	if (choice->unread)
		buf_printf(text, "policy '%s' asks for its `%s`, which cannot be read",
			   choice->unread->name, choice->unread_key);
	else
		buf_puts(text, "whether it chooses a policy itself cannot be read");
	if (container->identified == IDENTIFIED_BY_PATH)
		buf_puts(text, ": does state_dirs of the configuration name the place where its "
			       "runtime keeps state?");
	else if (container->identified == IDENTIFIED_PARTLY && unread->path[0])
		buf_printf(text, ": %s: %s", unread->path, strerror(unread->err));
}

static void log_undecided(struct follower *follower)
{
	_cleanup_(buf_done) struct buf text = {0};

	if (!follower->choice.may_finish)
		return;
	put_unread(&text, follower);
	if (!text.failed)
		follower_block(follower, "identity", text.data);
}

static bool is_about_init(const struct policy_choice *choice)
{
	return strcmp(choice->unread_key, policy_key_name(POLICY_INIT)) == 0 ||
	       strcmp(choice->unread_key, policy_key_name(POLICY_MANAGER)) == 0;
}

static void arm_unread(struct follower *follower)
{
	uint64_t ms = (clock_boot_ns() - follower->unread_since_ns) / NS_PER_MS;
	struct timeval delay;

	if (ms < FOLLOWER_UNREAD_MS)
		ms = FOLLOWER_UNREAD_MS;
	if (ms > FOLLOWER_UNREAD_MAX_MS)
		ms = FOLLOWER_UNREAD_MAX_MS;
	delay = (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	(void)evtimer_add(follower->unread, &delay); /* or with the next event */
}

static void on_unread(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;
	uint64_t waited_ns = clock_boot_ns() - follower->unread_since_ns;
	bool is_guest = container_is_guest(follower->container), is_late;

	(void)fd;
	(void)what;
	if (is_about_init(&follower->choice) && !is_guest)
		watch_learn_init(follower->shared->watch, follower->container);
	follower_match_policy_again(follower);
	if (!follower->unread)
		return;
	is_late = waited_ns >= FOLLOWER_UNREAD_PATIENCE_MS * NS_PER_MS;
	if (is_late)
		log_undecided(follower);
	/* What the runtime keeps is read by the watch, which says when it is there. */
	if (!is_late || is_about_init(&follower->choice))
		arm_unread(follower);
}

void follower_forget_unread(struct follower *follower)
{
	if (!follower->unread)
		return;
	event_free(follower->unread);
	follower->unread = NULL;
	if (follower->blocked_by && strcmp(follower->blocked_by, "identity") == 0)
		follower_forget_refusal(follower);
}

static void note_unread(struct follower *follower)
{
	if (!follower->choice.unread_key || follower->container->is_gone) {
		follower_forget_unread(follower);
		return;
	}
	if (follower->unread)
		return;
	follower->unread = evtimer_new(follower->shared->base, on_unread, follower);
	if (!follower->unread)
		return;
	follower->unread_since_ns = clock_boot_ns();
	arm_unread(follower);
}

/* Its names may not be there yet, or be those of the program before. */
static bool is_worth_learning(const struct follower *follower)
{
	const struct policy_choice *choice = &follower->choice;

	if (container_is_guest(follower->container))
		return false;
	if (manager_may_lead(&follower->container->init_args))
		return true;
	return !choice->policy && !choice->is_off && follower->learn_tries;
}

/* Init's names may change until it is asked to end: looked at anew whenever they might have. */
void follower_match_policy(struct follower *follower)
{
	const struct policy_choice *choice = &follower->choice;
	const char *was_rejected = choice->rejected;

	if (follower_is_ending(follower) || !follower->container->init.pid)
		return;
	choose(follower);
	if (is_worth_learning(follower)) {
		follower->learn_tries -= follower->learn_tries > 0;
		watch_learn_init(follower->shared->watch, follower->container);
		choose(follower);
	}
	if (choice->rejected && !was_rejected)
		follower_log(follower->container, LOG_LEVEL_WARN, "choice",
			     "a container asks for a policy that it may not choose", "asked",
			     choice->rejected);
	follower_go_by(follower, choice->policy && choice->policy->action == POLICY_FINISH &&
						 !follower->is_shell ?
					 choice->policy :
					 NULL);
	note_unread(follower);
}

struct policy_settle follower_settle(const struct follower *follower, const struct policy *policy)
{
	const struct container *container = follower->container;

	return policy_settle(policy, manager_of(&container->init_args, &container->led_args),
			     &container->last_task);
}

/* Not each new name of init has a record, so what applied to the old one may be in use. */
bool follower_has_current_policy(const struct follower *follower)
{
	struct policy_subject subject = follower_subject(follower->container);

	return policy_set_choose(&follower->policies->set, &subject).policy == follower->policy;
}

struct lifecycle_timing follower_timing(const struct follower *follower)
{
	struct lifecycle_timing timing = {0};

	if (!follower->policy)
		return timing;
	timing = follower->policy->timing;
	timing.settle_ns = follower_settle(follower, follower->policy).ns;
	return timing;
}

bool follower_is_requested(const struct follower *follower)
{
	return follower->is_order_due || follower->is_ordered;
}

/* At most so many of one workload: one that is started again each time it ends. */
bool follower_is_limited(struct follower *follower)
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

void follower_forget_refusal(struct follower *follower)
{
	free(follower->refusal);
	follower->refusal = NULL;
	follower->blocked_by = NULL;
}

static void log_blocked(const struct follower *follower, const char *check, const char *reason)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, "refused",
		  "a container is not finished, although its policy asks for it");
	log_string(&line, "container", follower->container->identity.id);
	log_string(&line, "check", check);
	log_string(&line, "reason", reason);
	log_end(&line);
}

void follower_block(struct follower *follower, const char *check, const char *reason)
{
	if (!follower->refusal || strcmp(follower->refusal, reason) != 0) {
		log_blocked(follower, check, reason);
		if (follower->shared->on_blocked)
			follower->shared->on_blocked(follower->shared->context, follower->container,
						     check);
	}
	follower_forget_refusal(follower);
	follower->refusal = strdup(reason); /* without memory it is said again the next time */
	follower->blocked_by = check;
}

void follower_refuse(struct follower *follower, const char *check, const char *reason)
{
	follower_block(follower, check, reason);
	/* The reason may pass: another container that shared its namespace ends, a window is over. */
	follower->life.deadline_ns = clock_boot_ns() + FOLLOWER_REFUSED_NS;
	follower_arm_timer(follower);
}

const struct policy *follower_ordered_policy(const struct follower *follower)
{
	return follower->choice.policy ? follower->choice.policy :
					 &follower->policies->set.defaults;
}
