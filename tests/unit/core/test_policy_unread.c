// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy.h"

/* Three answers: a value, known to be none, not readable (yet). */
struct fixture {
	struct policy_set set;
	struct policy *policy;
	struct identity identity;
	struct policy_subject subject;
	struct command_line args, led;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || policy_set_init(&f->set) < 0 || policy_set_add(&f->set, "p", &f->policy) < 0)
		return -1;
	f->policy->has_match = true;
	f->identity.runtime = RUNTIME_CONTAINERD;
	(void)strcpy(f->identity.id, "0123");
	f->subject = (struct policy_subject){.identity = &f->identity,
					     .cgroup = "/c",
					     .comm = "",
					     .init_args = &f->args,
					     .led_args = &f->led};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->identity.name = f->identity.image = f->identity.pod = f->identity.namespace = NULL;
	identity_done(&f->identity);
	policy_set_done(&f->set);
	free(f);
	return 0;
}

static void want(struct policy *policy, enum policy_key key, const char *glob)
{
	assert_int_equal(policy_globs_add(&policy->match[key], glob), 0);
}

static void assert_fit(const struct fixture *f, enum policy_fit fit, const char *key)
{
	const char *found;
	enum policy_fit fits = policy_fits(f->policy, &f->subject, &found);

	if (fits != fit)
		fail_msg("%s: %d, not %d", key, fits, fit);
	if (fit != POLICY_FITS)
		assert_string_equal(found, key);
}

/* All three of one key that identity has as a text. */
static void check_text(struct fixture *f, enum policy_key key, char **value)
{
	static char yes[] = "yes", no[] = "no", empty[] = "";
	const char *name = policy_key_name(key);

	want(f->policy, key, "y*");
	for (int is_unread = 0; is_unread < 2; is_unread++) {
		f->subject.is_unread = is_unread;
		*value = yes;
		assert_fit(f, POLICY_FITS, name);
		*value = no;
		assert_fit(f, POLICY_DIFFERS, name);
		*value = empty;
		assert_fit(f, is_unread ? POLICY_UNREAD : POLICY_DIFFERS, name);
		*value = NULL;
		assert_fit(f, is_unread ? POLICY_UNREAD : POLICY_DIFFERS, name);
	}
}

static void test_container(void **state)
{
	struct fixture *f = *state;

	check_text(f, POLICY_CONTAINER, &f->identity.name);
	want(f->policy, POLICY_CONTAINER, "0123"); /* the id is known in any case */
	assert_fit(f, POLICY_FITS, "container");
}

static void test_image(void **state)
{
	struct fixture *f = *state;

	check_text(f, POLICY_IMAGE, &f->identity.image);
	f->identity.runtime = RUNTIME_RUNC; /* by itself it has none */
	assert_fit(f, POLICY_DIFFERS, "image");
}

static void test_namespace(void **state)
{
	struct fixture *f = *state;

	check_text(f, POLICY_NAMESPACE, &f->identity.namespace);
	f->identity.runtime = RUNTIME_DOCKER;
	assert_fit(f, POLICY_DIFFERS, "namespace");
	(void)strcpy(f->identity.pod_uid, "8f0b1b7e-0000-0000-0000-000000000000");
	assert_fit(f, POLICY_UNREAD, "namespace");
}

static void test_pod(void **state)
{
	struct fixture *f = *state;

	check_text(f, POLICY_POD, &f->identity.pod);
	f->identity.runtime = RUNTIME_CRUN;
	assert_fit(f, POLICY_DIFFERS, "pod");
}

static void test_runtime(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_RUNTIME, "containerd");
	f->subject.is_unread = true;
	assert_fit(f, POLICY_FITS, "runtime");
	f->identity.runtime = RUNTIME_DOCKER;
	assert_fit(f, POLICY_DIFFERS, "runtime");
	f->identity.runtime = RUNTIME_UNKNOWN;
	assert_fit(f, POLICY_UNREAD, "runtime");
	f->subject.is_unread = false;
	assert_fit(f, POLICY_DIFFERS, "runtime");
}

static void test_cgroup(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_CGROUP, "/c*");
	f->subject.is_unread = true;
	assert_fit(f, POLICY_FITS, "cgroup");
	f->subject.cgroup = "/d";
	assert_fit(f, POLICY_DIFFERS, "cgroup");
}

static void check_pairs(struct fixture *f, enum policy_pair_key key, struct identity_pairs *pairs)
{
	const char *name = policy_pair_key_name(key);
	struct policy_pair *pair;

	assert_int_equal(policy_pairs_add(&f->policy->pairs[key], "k", &pair), 0);
	assert_int_equal(policy_globs_add(&pair->values, "y*"), 0);
	assert_fit(f, POLICY_DIFFERS, name);
	f->subject.is_unread = true;
	assert_fit(f, POLICY_UNREAD, name);
	assert_int_equal(identity_pairs_add(pairs, "k", "no"), 0);
	assert_fit(f, POLICY_DIFFERS, name); /* what is there is known */
	assert_int_equal(identity_pairs_add(pairs, "k", ""), 0);
	assert_fit(f, POLICY_DIFFERS, name);
	assert_int_equal(identity_pairs_add(pairs, "k", "yes"), 0);
	assert_fit(f, POLICY_FITS, name);
}

static void test_label(void **state)
{
	struct fixture *f = *state;

	check_pairs(f, POLICY_LABEL, &f->identity.labels);
}

static void test_annotation(void **state)
{
	struct fixture *f = *state;

	check_pairs(f, POLICY_ANNOTATION, &f->identity.annotations);
}

static void test_env(void **state)
{
	struct fixture *f = *state;

	check_pairs(f, POLICY_ENV, &f->identity.env);
}

static void test_init(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_INIT, "python3");
	f->subject.comm = "train.py"; /* a script that is being exec'd */
	assert_fit(f, POLICY_UNREAD, "init");
	command_line_add(&f->args, "/usr/bin/python3");
	command_line_add(&f->args, "/train.py");
	assert_fit(f, POLICY_FITS, "init");
	f->args = (struct command_line){0};
	command_line_add(&f->args, "/train");
	assert_fit(f, POLICY_DIFFERS, "init");
	command_line_set(&f->args, "", 0); /* none at all */
	assert_fit(f, POLICY_DIFFERS, "init");
	/* One name is enough. */
	f->args = (struct command_line){0};
	f->subject.comm = "python3";
	assert_fit(f, POLICY_FITS, "init");
}

/* A script's path that is longer than what is kept of it. */
static void test_init_that_was_cut(void **state)
{
	struct fixture *f = *state;
	char path[COMMAND_LINE_SIZE];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	want(f->policy, POLICY_INIT, "train.py");
	f->subject.comm = "python3";
	command_line_add(&f->args, "python3");
	command_line_add(&f->args, path);
	assert_fit(f, POLICY_UNREAD, "init");
}

static void test_manager(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_MANAGER, "*");
	f->subject.comm = "supervisord";
	assert_fit(f, POLICY_UNREAD, "manager");
	command_line_add(&f->args, "supervisord");
	assert_fit(f, POLICY_FITS, "manager");
	f->args = (struct command_line){0};
	command_line_add(&f->args, "nginx");
	assert_fit(f, POLICY_DIFFERS, "manager");
}

/* If one key is known not to fit, the others need not be read. */
static void test_known_to_differ(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_IMAGE, "x");
	want(f->policy, POLICY_RUNTIME, "docker");
	f->subject.is_unread = true;
	assert_fit(f, POLICY_DIFFERS, "runtime");
	f->identity.runtime = RUNTIME_DOCKER;
	assert_fit(f, POLICY_UNREAD, "image");
}

/* --- all policies --- */

static struct policy *add(struct fixture *f, const char *name, enum policy_key key,
			  const char *glob, enum policy_action action)
{
	struct policy *policy;

	assert_int_equal(policy_set_add(&f->set, name, &policy), 0);
	policy->has_match = true;
	policy->action = action;
	want(policy, key, glob);
	return policy;
}

static void check(const struct fixture *f, const char *name, const char *unread_key)
{
	struct policy_choice choice = policy_set_choose(&f->set, &f->subject);

	assert_string_equal(choice.policy ? choice.policy->name : "none", name);
	if (!unread_key)
		assert_null(choice.unread_key);
	else
		assert_string_equal(choice.unread_key ? choice.unread_key : "", unread_key);
}

/* What stands behind one that is not readable does not count, and what stands before does. */
static void test_none_behind_an_unread_one(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_INIT, "never");
	add(f, "keep", POLICY_INIT, "python3", POLICY_IGNORE);
	add(f, "by-name", POLICY_CONTAINER, "0123", POLICY_FINISH);
	f->subject.comm = "train.py";
	check(f, "none", "init");
	command_line_add(&f->args, "python3");
	check(f, "keep", NULL);
	f->args = (struct command_line){0};
	command_line_add(&f->args, "train");
	check(f, "by-name", NULL);
}

static void test_none_behind_an_unread_identity(void **state)
{
	struct fixture *f = *state;
	struct policy_choice choice;

	want(f->policy, POLICY_NAMESPACE, "kube-system");
	f->policy->action = POLICY_IGNORE;
	add(f, "mine", POLICY_INIT, "goproc", POLICY_FINISH);
	f->subject.comm = "goproc";
	command_line_add(&f->args, "goproc");
	check(f, "mine", NULL);
	f->subject.is_unread = true;
	choice = policy_set_choose(&f->set, &f->subject);
	assert_null(choice.policy);
	assert_ptr_equal(choice.unread, &f->set.policies[0]);
	assert_true(choice.may_finish);
	f->identity.namespace = "prod"; /* read: but whether it says `off` is not */
	check(f, "none", "lastout/policy");
	f->subject.is_unread = false;
	check(f, "mine", NULL);
}

/* `ignore` is final: an own choice does not lead past one that may match. */
static void test_own_choice_behind_an_unread_ignore(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_INIT, "python3");
	f->policy->action = POLICY_IGNORE;
	add(f, "mine", POLICY_CONTAINER, "never", POLICY_FINISH)->is_selectable = true;
	assert_int_equal(identity_pairs_add(&f->identity.annotations, "lastout/policy", "mine"), 0);
	check(f, "none", "init");
	command_line_add(&f->args, "other");
	check(f, "mine", NULL);
}

/* It comes before all that would not ignore the container anyway. */
static void test_own_choice_before_an_unread_one(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_INIT, "python3");
	add(f, "mine", POLICY_CONTAINER, "never", POLICY_FINISH)->is_selectable = true;
	check(f, "none", "init");
	assert_int_equal(identity_pairs_add(&f->identity.annotations, "lastout/policy", "mine"), 0);
	check(f, "mine", NULL);
}

static void test_own_choice_that_may_be_hidden(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_CONTAINER, "0123");
	f->policy->is_selectable = true;
	f->subject.is_unread = true;
	check(f, "none", "lastout/policy");
	assert_int_equal(identity_pairs_add(&f->identity.env, "LASTOUT_POLICY", "p"), 0);
	check(f, "none", "lastout/policy"); /* an annotation may say `off` */
	assert_int_equal(identity_pairs_add(&f->identity.env, "LASTOUT_POLICY", "off"), 0);
	check(f, "none", NULL);
	assert_int_equal(identity_pairs_add(&f->identity.annotations, "lastout/policy", "p"), 0);
	check(f, "p", NULL); /* nothing is stronger */
}

/* Nothing would be finished: nothing is waited for. */
static void test_unread_without_consequence(void **state)
{
	struct fixture *f = *state;

	want(f->policy, POLICY_CONTAINER, "0123");
	f->policy->action = POLICY_WATCH;
	f->subject.is_unread = true;
	check(f, "p", NULL);
}

/* --- `selectable: only` --- */

static void test_only_for_those_that_choose_it(void **state)
{
	struct fixture *f = *state;

	f->policy->is_selectable = f->policy->is_for_choice = true;
	want(f->policy, POLICY_MANAGER, "*");
	command_line_add(&f->args, "supervisord");
	check(f, "none", NULL);
	assert_int_equal(identity_pairs_add(&f->identity.env, "LASTOUT_POLICY", "p"), 0);
	check(f, "p", NULL);
}

static void test_only_for_those_that_may(void **state)
{
	struct fixture *f = *state;
	struct policy_choice choice;

	f->policy->is_selectable = f->policy->is_for_choice = true;
	want(f->policy, POLICY_MANAGER, "*");
	assert_int_equal(identity_pairs_add(&f->identity.env, "LASTOUT_POLICY", "p"), 0);
	check(f, "none", "manager"); /* its arguments are not there yet */
	command_line_add(&f->args, "nginx");
	choice = policy_set_choose(&f->set, &f->subject);
	assert_null(choice.policy);
	assert_string_equal(choice.rejected, "p");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(test_container),
		ROW(test_image),
		ROW(test_namespace),
		ROW(test_pod),
		ROW(test_runtime),
		ROW(test_cgroup),
		ROW(test_label),
		ROW(test_annotation),
		ROW(test_env),
		ROW(test_init),
		ROW(test_init_that_was_cut),
		ROW(test_manager),
		ROW(test_known_to_differ),
		ROW(test_none_behind_an_unread_one),
		ROW(test_none_behind_an_unread_identity),
		ROW(test_own_choice_behind_an_unread_ignore),
		ROW(test_own_choice_before_an_unread_one),
		ROW(test_own_choice_that_may_be_hidden),
		ROW(test_unread_without_consequence),
		ROW(test_only_for_those_that_choose_it),
		ROW(test_only_for_those_that_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
