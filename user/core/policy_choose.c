// SPDX-License-Identifier: Apache-2.0
/* Which policy a container gets. */
#include "core/policy.h"

#include <string.h>

#include "core/exit_status.h"
#include "core/glob.h"

/* How a container names its choice. Kubernetes' annotations and labels have a prefix, by custom. */
#define CHOICE_KEY	"lastout/policy"
#define CHOICE_VARIABLE "LASTOUT_POLICY"
#define CHOICE_OFF	"off"

static bool globs_match(const struct policy_globs *globs, const char *text)
{
	for (size_t i = 0; i < globs->count; i++)
		if (glob_matches(globs->globs[i], text))
			return true;
	return false;
}

/* NULL and "" are not known. */
static bool known_and_matches(const struct policy_globs *globs, const char *text)
{
	return text && *text && globs_match(globs, text);
}

static bool program_matches(const struct policy_globs *globs, const char *comm,
			    const struct command_line *args)
{
	return known_and_matches(globs, comm) ||
	       known_and_matches(globs, command_line_base_name(args));
}

/* A shell executes its last command unasked: `bash -c 'a; sleep 9'` is still meant by `init: [bash]`. */
static bool init_matches(const struct policy_globs *globs, const struct policy_subject *subject)
{
	if (program_matches(globs, subject->comm, subject->init_args))
		return true;
	for (unsigned i = 0; i < subject->former_count; i++)
		if (program_matches(globs, subject->formers[i].comm, &subject->formers[i].args))
			return true;
	return false;
}

static bool key_matches(const struct policy_globs *globs, enum policy_key key,
			const struct policy_subject *subject)
{
	const struct identity *identity = subject->identity;

	switch (key) {
	case POLICY_INIT:
		return init_matches(globs, subject);
	case POLICY_CONTAINER:
		return known_and_matches(globs, identity->name) ||
		       known_and_matches(globs, identity->id);
	case POLICY_IMAGE:
		return known_and_matches(globs, identity->image);
	case POLICY_RUNTIME:
		return identity->runtime != RUNTIME_UNKNOWN &&
		       globs_match(globs, runtime_name(identity->runtime));
	case POLICY_CGROUP:
		return known_and_matches(globs, subject->cgroup);
	case POLICY_NAMESPACE:
		return known_and_matches(globs, identity->namespace);
	case POLICY_POD:
		return known_and_matches(globs, identity->pod);
	case POLICY_KEY_COUNT:
		break;
	}
	return false;
}

/* A value that is empty is known, other than a name. */
static bool pairs_match(const struct policy_pairs *wanted, const struct identity_pairs *given)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const char *value = identity_pairs_find(given, wanted->pairs[i].key);

		if (!value || !globs_match(&wanted->pairs[i].values, value))
			return false;
	}
	return true;
}

const char *policy_mismatch(const struct policy *policy, const struct policy_subject *subject)
{
	const struct identity *identity = subject->identity;
	const struct identity_pairs *given[] = {
		[POLICY_LABEL] = &identity->labels,
		[POLICY_ANNOTATION] = &identity->annotations,
		[POLICY_ENV] = &identity->env,
	};

	if (!policy->has_match)
		return "match";
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++)
		if (policy->match[key].count && !key_matches(&policy->match[key], key, subject))
			return policy_key_name(key);
	for (enum policy_pair_key key = 0; key < POLICY_PAIR_KEY_COUNT; key++)
		if (!pairs_match(&policy->pairs[key], given[key]))
			return policy_pair_key_name(key);
	return NULL;
}

static const struct policy *first_match(const struct policy_set *set,
					const struct policy_subject *subject)
{
	for (size_t i = 0; i < set->count; i++)
		if (!policy_mismatch(&set->policies[i], subject))
			return &set->policies[i];
	return NULL;
}

/* What the container says itself, and where; NULL: nothing. */
static const char *own_words(const struct identity *identity, enum policy_why *ret_why)
{
	const struct {
		const char *words;
		enum policy_why why;
	} places[] = {
		{identity_pairs_find(&identity->annotations, CHOICE_KEY), POLICY_BY_ANNOTATION},
		{identity_pairs_find(&identity->labels, CHOICE_KEY), POLICY_BY_LABEL},
		{identity_pairs_find(&identity->env, CHOICE_VARIABLE), POLICY_BY_ENV},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].words && *places[i].words) {
			*ret_why = places[i].why;
			return places[i].words;
		}
	}
	return NULL;
}

/* Hears the container's own choice; false if there is none, or none that is to be had. */
static bool choose_own(const struct policy_set *set, const struct identity *identity,
		       struct policy_choice *choice)
{
	enum policy_why why = POLICY_NONE;
	const char *words = own_words(identity, &why);
	const struct policy *policy;

	if (!words)
		return false;
	policy = policy_set_find(set, words);
	choice->is_off = strcmp(words, CHOICE_OFF) == 0;
	if (!choice->is_off && (!policy || !policy->is_selectable)) {
		choice->rejected = words;
		return false;
	}
	choice->policy = choice->is_off ? NULL : policy;
	choice->why = why;
	return true;
}

struct policy_choice policy_set_choose(const struct policy_set *set,
				       const struct policy_subject *subject)
{
	const struct policy *match = first_match(set, subject);
	struct policy_choice choice = {0};

	if (match && match->action == POLICY_IGNORE)
		return (struct policy_choice){.policy = match, .why = POLICY_MATCHED};
	if (choose_own(set, subject->identity, &choice))
		return choice;
	choice.policy = match;
	choice.why = match ? POLICY_MATCHED : POLICY_NONE;
	return choice;
}

uint64_t policy_settle_ns(const struct policy *policy, bool has_status, int status)
{
	uint64_t settle_ns = policy->timing.settle_ns, restart_ns = policy->restart_settle_ns;
	int signal = exit_status_signal(status);
	int code = signal ? 128 + signal : exit_status_code(status);

	if (!has_status || restart_ns <= settle_ns)
		return settle_ns;
	for (size_t i = 0; i < policy->restart_code_count; i++)
		if (policy->restart_codes[i] == code)
			return restart_ns;
	return settle_ns;
}

const char *policy_key_name(enum policy_key key)
{
	static const char *const names[] = {
		[POLICY_INIT] = "init",		  [POLICY_CONTAINER] = "container",
		[POLICY_IMAGE] = "image",	  [POLICY_RUNTIME] = "runtime",
		[POLICY_CGROUP] = "cgroup",	  [POLICY_POD] = "pod",
		[POLICY_NAMESPACE] = "namespace",
	};

	return names[key];
}

const char *policy_pair_key_name(enum policy_pair_key key)
{
	static const char *const names[] = {
		[POLICY_LABEL] = "label",
		[POLICY_ANNOTATION] = "annotation",
		[POLICY_ENV] = "env",
	};

	return names[key];
}

const char *policy_action_name(enum policy_action action)
{
	static const char *const names[] = {
		[POLICY_FINISH] = "finish",
		[POLICY_WATCH] = "watch",
		[POLICY_IGNORE] = "ignore",
	};

	return names[action];
}

const char *policy_status_name(enum policy_status status)
{
	static const char *const names[] = {
		[POLICY_STATUS_SIGNAL] = "signal",
		[POLICY_STATUS_TASK] = "task",
		[POLICY_STATUS_WORST] = "worst",
	};

	return names[status];
}
