// SPDX-License-Identifier: Apache-2.0
/* Whether init may be ended at all: it is known as a supervisor, or a policy names it. */
#include <errno.h>
#include <string.h>

#include "core/glob.h"
#include "core/policy.h"

enum { LITERALS_MIN = 3 };

/* How many characters of a pattern stand for themselves; *ret_is_exact: all do. */
static unsigned count_literals(const char *glob, bool *ret_is_exact)
{
	unsigned count = 0;

	*ret_is_exact = true;
	for (; *glob; glob++) {
		if (*glob == '\\' && glob[1]) {
			glob++;
			count++;
		} else if (*glob == '[') {
			const char *end = strchr(glob + 1, ']');

			*ret_is_exact = false;
			glob = end ? end : glob;
		} else if (*glob == '*' || *glob == '?') {
			*ret_is_exact = false;
		} else {
			count++;
		}
	}
	return count;
}

static bool is_specific(const char *glob)
{
	bool is_exact;

	return count_literals(glob, &is_exact) >= LITERALS_MIN || is_exact;
}

/* `python3` names what may be anything; `sh` is named on purpose. */
static bool is_name_of_work(const char *name, const struct command_line *args)
{
	const char *program = command_line_program(args);

	if (strcmp(name, "busybox") == 0)
		return !*program || strcmp(program, name) == 0 ||
		       command_line_interpreter(program) == INTERPRETER_SHELL;
	return command_line_interpreter(name) != INTERPRETER_LANGUAGE;
}

static bool globs_name(const struct policy_globs *globs, const char *name,
		       const struct command_line *args)
{
	if (!name || !*name || !is_name_of_work(name, args))
		return false;
	for (size_t i = 0; i < globs->count; i++)
		if (is_specific(globs->globs[i]) && glob_matches(globs->globs[i], name))
			return true;
	return false;
}

static bool names_program(const struct policy_globs *globs, const char *comm,
			  const struct command_line *args)
{
	return globs_name(globs, comm, args) ||
	       globs_name(globs, command_line_base_name(args), args) ||
	       globs_name(globs, command_line_program(args), args);
}

/*
 * What init was before counts only if it does nothing now: `bash -c 'task & sleep infinity'` executes
 * sleep, and `bash -c 'mkdir x; server'` a server that nobody has named.
 */
static bool names_init(const struct policy *policy, const struct policy_subject *subject)
{
	const struct policy_globs *globs = &policy->match[POLICY_INIT];
	const struct manager *now = manager_find(subject->init_args);

	if (names_program(globs, subject->comm, subject->init_args))
		return true;
	if (!now || now->class != MANAGER_PLACEHOLDER)
		return false;
	for (unsigned i = 0; i < subject->former_count; i++)
		if (names_program(globs, subject->formers[i].comm, &subject->formers[i].args))
			return true;
	return false;
}

static bool names_manager(const struct policy *policy, const struct manager *manager)
{
	const struct policy_globs *globs = &policy->match[POLICY_MANAGER];

	for (size_t i = 0; manager && i < globs->count; i++)
		if (is_specific(globs->globs[i]) && glob_matches(globs->globs[i], manager->name))
			return true;
	return false;
}

/* What a policy would have to write to name it; NULL: nothing does. */
static const char *name_to_write(const struct policy_subject *subject)
{
	const char *const names[] = {
		command_line_program(subject->init_args),
		command_line_base_name(subject->init_args),
		subject->comm,
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (*names[i] && is_name_of_work(names[i], subject->init_args))
			return names[i];
	return NULL;
}

static int forbid(const struct policy *policy, const struct policy_subject *subject,
		  struct error *error)
{
	const char *name = name_to_write(subject);

	if (!name)
		return error_set(error, -EPERM,
				 "PID 1 is %.32s without a script: it may be the work itself, and "
				 "no policy can name it",
				 subject->comm);
	return error_set(
		error, -EPERM,
		"PID 1 is %.64s, no known supervisor: it may be the work itself. To finish "
		"it, write init: [%.64s] into `match` of policy '%s'%s",
		name, name, policy->name, policy->has_match ? "" : ", with `selectable: only`");
}

int policy_check_manager(const struct policy *policy, const struct policy_subject *subject,
			 struct error *error)
{
	const struct manager *manager = manager_of(subject->init_args, subject->led_args);

	if ((manager && manager->class == MANAGER_SUPERVISOR) || names_manager(policy, manager) ||
	    names_init(policy, subject))
		return 0;
	if (subject->init_args->answer == ANSWER_UNREADABLE)
		return error_set(error, -EPERM, "the arguments of PID 1 cannot be read");
	return forbid(policy, subject, error);
}
