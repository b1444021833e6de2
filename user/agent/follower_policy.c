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

struct policy_subject follower_subject(const struct container *container)
{
	return (struct policy_subject){
		.identity = &container->identity,
		.cgroup = container->path,
		.comm = container->init.comm,
		.init_args = &container->init_args,
		.formers = container->formers,
		.former_count = container->former_count,
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

static void choose(struct follower *follower)
{
	struct policy_subject subject = follower_subject(follower->container);

	follower->choice = policy_set_choose(&follower->policies->set, &subject);
}

/* Init's names may change until it is asked to end: looked at anew whenever they might have. */
void follower_match_policy(struct follower *follower)
{
	const struct policy_choice *choice = &follower->choice;
	const char *was_rejected = choice->rejected;

	if (follower_is_ending(follower) || !follower->container->init.pid)
		return;
	choose(follower);
	if (!choice->policy && !choice->is_off && follower->learn_tries &&
	    !container_is_guest(follower->container)) {
		follower->learn_tries--;
		watch_learn_init(follower->shared->watch, follower->container);
		choose(follower);
	}
	if (choice->rejected && !was_rejected)
		follower_log(follower->container, LOG_LEVEL_WARN, "choice",
			     "a container asks for a policy that is not selectable", "asked",
			     choice->rejected);
	follower_go_by(follower, choice->policy && choice->policy->action == POLICY_FINISH &&
						 !follower->is_shell ?
					 choice->policy :
					 NULL);
}

/* By what its last task exited with, it may be known that a restart follows: then wait longer. */
struct lifecycle_timing follower_timing(const struct follower *follower)
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
}

void follower_refuse(struct follower *follower, const char *reason)
{
	if (!follower->refusal || strcmp(follower->refusal, reason) != 0)
		follower_log(follower->container, LOG_LEVEL_WARN, "refused",
			     "a container is not finished, although its policy asks for it",
			     "reason", reason);
	follower_forget_refusal(follower);
	follower->refusal = strdup(reason); /* without memory it is said again the next time */
	/* The reason may pass: another container that shared its namespace ends, a window is over. */
	follower->life.deadline_ns = clock_boot_ns() + FOLLOWER_REFUSED_NS;
	follower_arm_timer(follower);
}

const struct policy *follower_ordered_policy(const struct follower *follower)
{
	return follower->choice.policy ? follower->choice.policy :
					 &follower->policies->set.defaults;
}
