// SPDX-License-Identifier: Apache-2.0
/* Which policy a container of a recording gets, as far as the recording tells. */
#include <string.h>

#include "replay/private.h"

/*
 * Whether the policy would match if what the recording does not tell were as it asks: init's name
 * where nobody has told it, the cgroup's path, and labels, annotations and environment, which nobody
 * records.
 */
static bool might_match(const struct policy *policy, const struct policy_subject *subject)
{
	struct policy known = *policy; /* a copy without those keys; its arrays are the policy's */

	if (!subject->comm[0])
		known.match[POLICY_INIT].count = 0;
	if (!subject->cgroup)
		known.match[POLICY_CGROUP].count = 0;
	memset(known.pairs, 0, sizeof(known.pairs));
	return !policy_mismatch(&known, subject);
}

/* The first policy before the chosen one of which that holds. */
static void find_undecided(const struct policy_set *set, const struct policy_subject *subject,
			   struct replayed *replayed)
{
	replayed->undecided = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct policy *policy = &set->policies[i];

		if (policy == replayed->choice.policy)
			return;
		if (!policy->has_match || policy->is_for_choice || !might_match(policy, subject))
			continue;
		replayed->undecided = policy;
		replayed->undecided_key = policy_mismatch(policy, subject);
		return;
	}
}

/* Older recordings tell init's command name only. `args` is where its arguments then are. */
static struct policy_subject subject_of(const struct replayed *replayed, struct command_line *args)
{
	const struct container *container = &replayed->container;
	const char *comm = container->init.comm;

	*args = container->init_args;
	if (args->answer == ANSWER_UNREADABLE)
		command_line_set(args, comm, comm[0] ? strlen(comm) + 1 : 0);
	return (struct policy_subject){
		.identity = &container->identity,
		.cgroup = container->path,
		.comm = comm,
		.init_args = args,
		.led_args = &container->led_args,
		.formers = container->formers,
		.former_count = container->former_count,
	};
}

void replayed_match_policy(struct replay *replay, struct replayed *replayed)
{
	const struct policy_set *set = replay->options.policies;
	struct command_line args;
	const struct policy_subject subject = subject_of(replayed, &args);
	const struct policy *policy;

	replayed->choice = policy_set_choose(set, &subject);
	policy = replayed->choice.policy;
	replayed->policy = policy && policy->action == POLICY_FINISH ? policy : NULL;
	find_undecided(set, &subject, replayed);
}

int replayed_check_manager(const struct replayed *replayed, struct error *error)
{
	struct command_line args;
	const struct policy_subject subject = subject_of(replayed, &args);

	return policy_check_manager(replayed->policy, &subject, error);
}

const struct manager *replayed_manager(const struct replayed *replayed)
{
	struct command_line args;
	const struct policy_subject subject = subject_of(replayed, &args);

	return manager_of(subject.init_args, subject.led_args);
}
