// SPDX-License-Identifier: Apache-2.0
/* Which policy a container gets. */
#include "core/policy.h"

#include <string.h>

#include "core/glob.h"

/* How a container names its choice. Kubernetes' annotations and labels have a prefix, by custom. */
#define CHOICE_KEY	"lastout/policy"
#define CHOICE_VARIABLE "LASTOUT_POLICY"
#define CHOICE_OFF	"off"

/* --- one key --- */

static bool globs_match(const struct policy_globs *globs, const char *text)
{
	for (size_t i = 0; i < globs->count; i++)
		if (glob_matches(globs->globs[i], text))
			return true;
	return false;
}

/* NULL and "" are no value. */
static bool matches(const struct policy_globs *globs, const char *text)
{
	return text && *text && globs_match(globs, text);
}

static enum policy_fit fit(bool matches, bool is_unread)
{
	if (matches)
		return POLICY_FITS;
	return is_unread ? POLICY_UNREAD : POLICY_DIFFERS;
}

static bool program_matches(const struct policy_globs *globs, const char *comm,
			    const struct command_line *args)
{
	return matches(globs, comm) || matches(globs, command_line_base_name(args)) ||
	       matches(globs, command_line_program(args));
}

static enum policy_fit init_fits(const struct policy_globs *globs,
				 const struct policy_subject *subject)
{
	bool is_unread = command_line_is_unread(subject->init_args);

	if (program_matches(globs, subject->comm, subject->init_args))
		return POLICY_FITS;
	/* A shell executes its last command unasked: `bash -c 'a; sleep 9'` is still `init: [bash]`. */
	for (unsigned i = 0; i < subject->former_count; i++) {
		const struct program *former = &subject->formers[i];

		if (program_matches(globs, former->comm, &former->args))
			return POLICY_FITS;
		is_unread = is_unread || command_line_is_unread(&former->args);
	}
	return fit(false, is_unread);
}

/* `"*"` means supervisors; a server or a placeholder is meant by its name only. */
static bool manager_matches(const struct policy_globs *globs, const struct manager *manager)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (manager->class != MANAGER_SUPERVISOR &&
		    glob_matches_everything(globs->globs[i]))
			continue;
		if (glob_matches(globs->globs[i], manager->name))
			return true;
	}
	return false;
}

static enum policy_fit manager_fits(const struct policy_globs *globs,
				    const struct policy_subject *subject)
{
	const struct manager *manager = manager_of(subject->init_args, subject->led_args);

	return fit(manager && manager_matches(globs, manager),
		   command_line_is_unread(subject->init_args));
}

/*
 * Whether this runtime's state can say something about the key at all. What cannot be known of any of
 * its containers is known to be none, although its state was not read.
 */
static bool can_have(const struct identity *identity, enum policy_key key)
{
	bool is_low_level = identity->runtime == RUNTIME_RUNC || identity->runtime == RUNTIME_CRUN;

	switch (key) {
	case POLICY_IMAGE:
		return !is_low_level && identity->runtime != RUNTIME_DEMO;
	case POLICY_NAMESPACE:
	case POLICY_POD:
		return identity->pod_uid[0] ||
		       (!is_low_level && identity->runtime != RUNTIME_DOCKER &&
			identity->runtime != RUNTIME_DEMO);
	default:
		return true;
	}
}

static enum policy_fit key_fits(const struct policy_globs *globs, enum policy_key key,
				const struct policy_subject *subject)
{
	const struct identity *identity = subject->identity;
	const char *value = NULL;

	switch (key) {
	case POLICY_INIT:
		return init_fits(globs, subject);
	case POLICY_MANAGER:
		return manager_fits(globs, subject);
	case POLICY_CGROUP:
		return fit(matches(globs, subject->cgroup), false);
	case POLICY_RUNTIME:
		if (identity->runtime != RUNTIME_UNKNOWN)
			return fit(matches(globs, runtime_name(identity->runtime)), false);
		break;
	case POLICY_CONTAINER:
		if (matches(globs, identity->id))
			return POLICY_FITS;
		value = identity->name;
		break;
	case POLICY_IMAGE:
		value = identity->image;
		break;
	case POLICY_NAMESPACE:
		value = identity->namespace;
		break;
	case POLICY_POD:
		value = identity->pod;
		break;
	case POLICY_KEY_COUNT:
		break;
	}
	return fit(matches(globs, value),
		   !(value && *value) && subject->is_unread && can_have(identity, key));
}

/* A value that is empty is known, other than a name. */
static enum policy_fit pairs_fit(const struct policy_pairs *wanted,
				 const struct identity_pairs *given, bool is_unread)
{
	enum policy_fit fits = POLICY_FITS;

	for (size_t i = 0; i < wanted->count; i++) {
		const char *value = identity_pairs_find(given, wanted->pairs[i].key);
		bool matches = value && globs_match(&wanted->pairs[i].values, value);
		enum policy_fit one = fit(matches, !value && is_unread);

		if (one < fits)
			fits = one;
	}
	return fits;
}

/* --- one policy --- */

/* Takes one key's answer in; true if no other can change the whole any more. */
static bool take_fit(enum policy_fit *fits, const char **key, enum policy_fit one, const char *name)
{
	if (one < *fits) {
		*fits = one;
		*key = name;
	}
	return *fits == POLICY_DIFFERS;
}

enum policy_fit policy_fits(const struct policy *policy, const struct policy_subject *subject,
			    const char **ret_key)
{
	const struct identity *identity = subject->identity;
	const struct identity_pairs *given[] = {
		[POLICY_LABEL] = &identity->labels,
		[POLICY_ANNOTATION] = &identity->annotations,
		[POLICY_ENV] = &identity->env,
	};
	enum policy_fit fits = POLICY_FITS;

	*ret_key = "match";
	if (!policy->has_match)
		return POLICY_DIFFERS;
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++)
		if (policy->match[key].count &&
		    take_fit(&fits, ret_key, key_fits(&policy->match[key], key, subject),
			     policy_key_name(key)))
			return fits;
	for (enum policy_pair_key key = 0; key < POLICY_PAIR_KEY_COUNT; key++)
		if (take_fit(&fits, ret_key,
			     pairs_fit(&policy->pairs[key], given[key], subject->is_unread),
			     policy_pair_key_name(key)))
			return fits;
	return fits;
}

const char *policy_mismatch(const struct policy *policy, const struct policy_subject *subject)
{
	const char *key;

	return policy_fits(policy, subject, &key) == POLICY_FITS ? NULL : key;
}

/* --- all of them --- */

/* The first that fits, and what may come before it. */
struct candidates {
	const struct policy *first;  /* NULL: none fits */
	const struct policy *unread; /* the first that may fit; NULL: none before `first` */
	const char *unread_key;
	bool may_ignore; /* one of those says `ignore` */
	bool may_finish;
};

static struct candidates find_candidates(const struct policy_set *set,
					 const struct policy_subject *subject)
{
	struct candidates found = {0};

	for (size_t i = 0; i < set->count && !found.first; i++) {
		const struct policy *policy = &set->policies[i];
		const char *key;
		enum policy_fit fits = policy_fits(policy, subject, &key);

		if (policy->is_for_choice || fits == POLICY_DIFFERS)
			continue;
		found.may_ignore = found.may_ignore || policy->action == POLICY_IGNORE;
		found.may_finish = found.may_finish || policy->action == POLICY_FINISH;
		if (fits == POLICY_FITS) {
			found.first = policy;
		} else if (!found.unread) {
			found.unread = policy;
			found.unread_key = key;
		}
	}
	return found;
}

/*
 * What the container says itself, and where; NULL: nothing. A word from a weaker place counts only if
 * the stronger ones are known to say nothing.
 */
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

static void set_unread(struct policy_choice *choice, const struct policy *policy, const char *key,
		       bool may_finish)
{
	choice->policy = NULL;
	choice->why = POLICY_NONE;
	choice->unread = policy;
	choice->unread_key = key;
	choice->may_finish = may_finish;
}

/* Of those that say which containers may choose them, this one must be meant. */
static enum policy_fit may_choose(const struct policy *policy, const struct policy_subject *subject,
				  const char **ret_key)
{
	if (!policy || !policy->is_selectable)
		return POLICY_DIFFERS;
	return policy->is_for_choice && policy->has_match ? policy_fits(policy, subject, ret_key) :
							    POLICY_FITS;
}

/* Takes the container's own choice; false if it is none that is to be had. */
static bool take_own(const struct policy_set *set, const struct policy_subject *subject,
		     const char *words, enum policy_why why, struct policy_choice *choice)
{
	const struct policy *policy = policy_set_find(set, words);
	const char *key = NULL;
	enum policy_fit fits;

	choice->is_off = strcmp(words, CHOICE_OFF) == 0;
	fits = choice->is_off ? POLICY_FITS : may_choose(policy, subject, &key);
	if (fits == POLICY_UNREAD) {
		set_unread(choice, policy, key, policy->action == POLICY_FINISH);
		return true;
	}
	if (fits == POLICY_DIFFERS) {
		choice->rejected = words;
		return false;
	}
	choice->policy = choice->is_off ? NULL : policy;
	choice->why = why;
	return true;
}

/* May a stronger word of the container's be unread? `off` counts all the same: in doubt, do nothing. */
static bool is_own_unread(const struct policy_subject *subject, const char *words,
			  enum policy_why why)
{
	if (!subject->is_unread)
		return false;
	return !words || (why != POLICY_BY_ANNOTATION && strcmp(words, CHOICE_OFF) != 0);
}

struct policy_choice policy_set_choose(const struct policy_set *set,
				       const struct policy_subject *subject)
{
	struct candidates found = find_candidates(set, subject);
	enum policy_why why = POLICY_NONE;
	const char *words = own_words(subject->identity, &why);
	bool is_unread = is_own_unread(subject, words, why);
	struct policy_choice choice = {0};

	if (found.may_ignore && found.unread) {
		set_unread(&choice, found.unread, found.unread_key, found.may_finish);
		return choice;
	}
	if (found.may_ignore)
		return (struct policy_choice){.policy = found.first, .why = POLICY_MATCHED};
	if (words && !is_unread && take_own(set, subject, words, why, &choice))
		return choice;
	if (is_unread && (words || found.may_finish)) {
		set_unread(&choice, NULL, CHOICE_KEY, true);
	} else if (found.unread) {
		set_unread(&choice, found.unread, found.unread_key, found.may_finish);
	} else {
		choice.policy = found.first;
		choice.why = found.first ? POLICY_MATCHED : POLICY_NONE;
	}
	return choice;
}

const char *policy_key_name(enum policy_key key)
{
	static const char *const names[] = {
		[POLICY_INIT] = "init",
		[POLICY_MANAGER] = "manager",
		[POLICY_CONTAINER] = "container",
		[POLICY_IMAGE] = "image",
		[POLICY_RUNTIME] = "runtime",
		[POLICY_CGROUP] = "cgroup",
		[POLICY_POD] = "pod",
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
