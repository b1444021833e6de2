// SPDX-License-Identifier: Apache-2.0
/* Which of several policies counts, and what a container has to say about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/policy.h"

#define SECOND UINT64_C(1000000000)

static const struct command_line no_args = {.answer = ANSWER_NONE};

/* never: ignores pods of kube-system; goproc, other: by init; patient, quiet: by choice alone. */
struct fixture {
	struct policy_set set;
	struct identity identity;
	struct policy_subject subject;
};

static struct policy *add(struct fixture *f, const char *name, enum policy_key key,
			  const char *glob)
{
	struct policy *policy;

	assert_int_equal(policy_set_add(&f->set, name, &policy), 0);
	if (glob)
		assert_int_equal(policy_globs_add(&policy->match[key], glob), 0);
	policy->has_match = glob;
	policy->is_selectable = !glob;
	return policy;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || policy_set_init(&f->set) < 0)
		return -1;
	f->subject = (struct policy_subject){
		.identity = &f->identity,
		.cgroup = "/c",
		.comm = "goproc",
		.init_args = &no_args,
		.led_args = &no_args,
	};
	add(f, "never", POLICY_NAMESPACE, "kube-system")->action = POLICY_IGNORE;
	add(f, "goproc", POLICY_INIT, "goproc");
	add(f, "other", POLICY_INIT, "*proc");
	add(f, "patient", POLICY_INIT, NULL);
	add(f, "quiet", POLICY_INIT, NULL)->action = POLICY_IGNORE;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->identity.namespace = NULL; /* a literal */
	identity_done(&f->identity);
	policy_set_done(&f->set);
	free(f);
	return 0;
}

static void say(struct identity_pairs *pairs, const char *key, const char *value)
{
	assert_int_equal(identity_pairs_add(pairs, key, value), 0);
}

static void check(const struct fixture *f, const char *name, enum policy_why why,
		  const char *rejected)
{
	struct policy_choice choice = policy_set_choose(&f->set, &f->subject);

	if (name)
		assert_string_equal(choice.policy ? choice.policy->name : "none", name);
	else
		assert_null(choice.policy);
	assert_int_equal(choice.why, why);
	assert_false(choice.is_off);
	assert_string_equal(choice.rejected ? choice.rejected : "", rejected ? rejected : "");
}

static void check_off(const struct fixture *f, enum policy_why why)
{
	struct policy_choice choice = policy_set_choose(&f->set, &f->subject);

	assert_null(choice.policy);
	assert_true(choice.is_off);
	assert_int_equal(choice.why, why);
	assert_null(choice.rejected);
}

static void test_the_first_that_matches(void **state)
{
	struct fixture *f = *state;

	check(f, "goproc", POLICY_MATCHED, NULL);
	f->subject.comm = "otherproc";
	check(f, "other", POLICY_MATCHED, NULL);
}

static void test_none(void **state)
{
	struct fixture *f = *state;

	f->subject.comm = "bash";
	check(f, NULL, POLICY_NONE, NULL);
}

static void test_own_choice_beats_the_match(void **state)
{
	struct fixture *f = *state;

	say(&f->identity.env, "LASTOUT_POLICY", "patient");
	check(f, "patient", POLICY_BY_ENV, NULL);
	say(&f->identity.labels, "lastout/policy", "quiet");
	check(f, "quiet", POLICY_BY_LABEL, NULL);
	say(&f->identity.annotations, "lastout/policy", "patient");
	check(f, "patient", POLICY_BY_ANNOTATION, NULL);
}

static void test_own_choice_without_a_match(void **state)
{
	struct fixture *f = *state;

	f->subject.comm = "bash";
	say(&f->identity.labels, "lastout/policy", "patient");
	check(f, "patient", POLICY_BY_LABEL, NULL);
}

static void test_off(void **state)
{
	struct fixture *f = *state;

	say(&f->identity.env, "LASTOUT_POLICY", "off");
	check_off(f, POLICY_BY_ENV);
	say(&f->identity.annotations, "lastout/policy", "off");
	check_off(f, POLICY_BY_ANNOTATION);
}

/* A choice that is not to be had changes nothing, but is told. */
static void test_rejected(void **state)
{
	static const char *const words[] = {
		"other", "nonsense", "Patient", "patient ", "defaults",
		"none",	 "OFF",	     "*",	"\x1b[31m",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		say(&f->identity.labels, "lastout/policy", words[i]);
		check(f, "goproc", POLICY_MATCHED, words[i]);
	}
	f->subject.comm = "bash";
	check(f, NULL, POLICY_NONE, "\x1b[31m");
}

/* Only the strongest is heard: a weaker one is no second chance. Empty says nothing. */
static void test_one_place_is_heard(void **state)
{
	struct fixture *f = *state;

	say(&f->identity.annotations, "lastout/policy", "nonsense");
	say(&f->identity.env, "LASTOUT_POLICY", "patient");
	check(f, "goproc", POLICY_MATCHED, "nonsense");
	say(&f->identity.annotations, "lastout/policy", "");
	check(f, "patient", POLICY_BY_ENV, NULL);
}

static void test_other_places_are_not_heard(void **state)
{
	struct fixture *f = *state;

	say(&f->identity.annotations, "LASTOUT_POLICY", "patient");
	say(&f->identity.labels, "policy", "patient");
	say(&f->identity.env, "lastout/policy", "patient");
	check(f, "goproc", POLICY_MATCHED, NULL);
}

static void test_no_way_out_of_ignore(void **state)
{
	struct fixture *f = *state;

	f->identity.namespace = "kube-system";
	check(f, "never", POLICY_MATCHED, NULL);
	say(&f->identity.annotations, "lastout/policy", "patient");
	check(f, "never", POLICY_MATCHED, NULL);
	say(&f->identity.annotations, "lastout/policy", "off");
	check(f, "never", POLICY_MATCHED, NULL);
}

/* `ignore` is final only where it is the first to match. `watch` never is. */
static void test_order_counts_for_ignore_too(void **state)
{
	struct fixture *f = *state;

	f->set.policies[2].action = POLICY_IGNORE;
	f->set.policies[1].action = POLICY_WATCH;
	check(f, "goproc", POLICY_MATCHED, NULL);
	say(&f->identity.annotations, "lastout/policy", "patient");
	check(f, "patient", POLICY_BY_ANNOTATION, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_first_that_matches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_choice_beats_the_match, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_choice_without_a_match, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rejected, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_place_is_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_places_are_not_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_way_out_of_ignore, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order_counts_for_ignore_too, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
