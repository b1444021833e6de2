// SPDX-License-Identifier: Apache-2.0
/* Which containers a policy speaks of, key by key, and what it is made of. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND	     UINT64_C(1000000000)

static const struct command_line no_args = {.answer = ANSWER_NONE};

struct fixture {
	struct policy_set set;
	struct policy *policy;
	struct identity identity;
	struct policy_subject subject;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || policy_set_init(&f->set) < 0 || policy_set_add(&f->set, "test", &f->policy) < 0)
		return -1;
	f->policy->has_match = true;
	f->subject = (struct policy_subject){
		.identity = &f->identity,
		.cgroup = "",
		.comm = "",
		.init_args = &no_args,
		.led_args = &no_args,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	/* The test's own names are literals. */
	f->identity.name = f->identity.image = f->identity.pod = f->identity.namespace = NULL;
	identity_done(&f->identity);
	policy_set_done(&f->set);
	free(f);
	return 0;
}

static void want(struct fixture *f, enum policy_key key, const char *glob)
{
	assert_int_equal(policy_globs_add(&f->policy->match[key], glob), 0);
}

static void want_pair(struct fixture *f, enum policy_pair_key kind, const char *key,
		      const char *glob)
{
	struct policy_pair *pair;

	assert_int_equal(policy_pairs_add(&f->policy->pairs[kind], key, &pair), 0);
	assert_int_equal(policy_globs_add(&pair->values, glob), 0);
}

static void assert_fits(const struct fixture *f)
{
	const char *key = policy_mismatch(f->policy, &f->subject);

	if (key)
		fail_msg("%s does not fit", key);
}

static void assert_differs(const struct fixture *f, const char *key)
{
	const char *found = policy_mismatch(f->policy, &f->subject);

	assert_non_null(found);
	assert_string_equal(found, key);
}

struct match_case {
	const char *comm, *argv0;
	bool matches;
};

static void check_inits(struct fixture *f, const struct match_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct command_line args = {0};

		f->subject.comm = cases[i].comm;
		args.answer = ANSWER_NONE;
		if (cases[i].argv0[0])
			command_line_add(&args, cases[i].argv0);
		f->subject.init_args = &args;
		if (!policy_mismatch(f->policy, &f->subject) != cases[i].matches)
			fail_msg("comm '%s', argv[0] '%s'", cases[i].comm, cases[i].argv0);
	}
	f->subject.init_args = &no_args;
}

static void test_init_by_one_name(void **state)
{
	static const struct match_case cases[] = {
		{"goproc", "", true},
		{"goproc", "/bin/other", true},
		{"sh", "goproc", true},
		{"sh", "/usr/local/bin/goproc", true},
		{"sh", "./goproc", true},
		{"sh", "bin/goproc", true},
		{"", "/goproc", true},
		{"sh", "", false},
		{"", "", false},
		{"GoProc", "", false},
		{"goproc2", "goprocs", false},
		/* Only the base name, and only of argv[0]. */
		{"sh", "/goproc/sh", false},
		{"sh", "/usr/bin/goproc/", false},
		{"sh", "goproc/run", false},
		{"bin/goproc", "", false},
	};

	want(*state, POLICY_INIT, "goproc");
	check_inits(*state, cases, COUNT(cases));
}

static void test_init_by_several_globs(void **state)
{
	static const struct match_case cases[] = {
		{"runsv", "", true},	      {"runsvdir", "", true},
		{"s6-svscan", "", true},      {"tini", "", true},
		{"sh", "/sbin/tini", true},   {"sh", "/package/s6-svscan", true},
		{"init", "", false},	      {"s6-scan", "", false},
		{"sh", "/runsv/mini", false}, {"dini", "/bin/sh", false},
	};

	want(*state, POLICY_INIT, "runsv*");
	want(*state, POLICY_INIT, "s6-?vscan");
	want(*state, POLICY_INIT, "[tc]ini");
	check_inits(*state, cases, COUNT(cases));
}

/* The nameless program behind a path that ends in a slash, or behind "", is not `*`'s to match. */
static void test_what_is_not_known_matches_nothing(void **state)
{
	static const struct match_case inits[] = {
		{"", "", false}, {"", "/bin/", false}, {"sh", "", true}};
	struct fixture *f = *state;

	want(f, POLICY_INIT, "*");
	check_inits(f, inits, COUNT(inits));
	for (enum policy_key key = POLICY_INIT + 1; key < POLICY_KEY_COUNT; key++) {
		struct policy_globs *globs = &f->policy->match[key];

		want(f, key, "*");
		assert_differs(f, policy_key_name(key));
		globs->count = 0;
		free(globs->globs[0]);
	}
}

static void test_each_key(void **state)
{
	struct fixture *f = *state;
	const struct {
		enum policy_key key;
		const char **field;
		const char *glob, *fits, *differs;
	} cases[] = {
		{POLICY_CONTAINER, (const char **)&f->identity.name, "web-*", "web-1", "db-1"},
		{POLICY_IMAGE, (const char **)&f->identity.image, "*/team/*:1", "r.io/team/a:1",
		 "r.io/team/a:2"},
		{POLICY_CGROUP, &f->subject.cgroup, "/kubepods*", "/kubepods.slice/a/b", "/docker"},
		{POLICY_NAMESPACE, (const char **)&f->identity.namespace, "kube-system",
		 "kube-system", "kube-systems"},
		{POLICY_POD, (const char **)&f->identity.pod, "job-[0-9]", "job-7", "job-x"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		want(f, cases[i].key, cases[i].glob);
		assert_differs(f, policy_key_name(cases[i].key));
		*cases[i].field = cases[i].differs;
		assert_differs(f, policy_key_name(cases[i].key));
		*cases[i].field = cases[i].fits;
		assert_fits(f); /* and so do all before */
	}
}

static void test_container_by_id(void **state)
{
	struct fixture *f = *state;

	want(f, POLICY_CONTAINER, "9687bac5*");
	f->identity = (struct identity){.id = "9687bac58d5c"};
	assert_fits(f);
	f->identity.name = "web";
	assert_fits(f);
	f->identity.id[0] = 'x';
	assert_differs(f, "container");
}

static void test_runtime(void **state)
{
	struct fixture *f = *state;

	want(f, POLICY_RUNTIME, "docker");
	want(f, POLICY_RUNTIME, "cri-*");
	f->identity.runtime = RUNTIME_PODMAN;
	assert_differs(f, "runtime");
	f->identity.runtime = RUNTIME_CRIO;
	assert_fits(f);
	f->identity.runtime = RUNTIME_DOCKER;
	assert_fits(f);
}

static void check_pairs(struct fixture *f, enum policy_pair_key kind, struct identity_pairs *given)
{
	const char *name = policy_pair_key_name(kind);

	want_pair(f, kind, "tier", "batch*");
	assert_differs(f, name);
	assert_int_equal(identity_pairs_add(given, "tier", "web"), 0);
	assert_differs(f, name);
	assert_int_equal(identity_pairs_add(given, "tier", "batch-1"), 0);
	assert_fits(f);
	/* Each key must be there; a value may be empty. */
	want_pair(f, kind, "team", "*");
	assert_differs(f, name);
	assert_int_equal(identity_pairs_add(given, "team", ""), 0);
	assert_fits(f);
}

static void test_label_annotation_env(void **state)
{
	struct fixture *f = *state;

	check_pairs(f, POLICY_ENV, &f->identity.env);
	check_pairs(f, POLICY_ANNOTATION, &f->identity.annotations);
	check_pairs(f, POLICY_LABEL, &f->identity.labels);
}

static void test_one_of_several_values(void **state)
{
	struct fixture *f = *state;

	want_pair(f, POLICY_LABEL, "tier", "a");
	assert_int_equal(policy_globs_add(&f->policy->pairs[POLICY_LABEL].pairs[0].values, "b"), 0);
	assert_int_equal(identity_pairs_add(&f->identity.labels, "tier", "b"), 0);
	assert_fits(f);
}

static void test_all_keys_must_match(void **state)
{
	struct fixture *f = *state;

	want(f, POLICY_INIT, "goproc");
	want(f, POLICY_POD, "job-*");
	f->subject.comm = "goproc";
	assert_differs(f, "pod");
	f->identity.pod = "job-1";
	assert_fits(f);
	f->subject.comm = "sh";
	assert_differs(f, "init");
}

/* Not even one that fits all. */
static void test_without_match_never(void **state)
{
	struct fixture *f = *state;

	f->policy->has_match = false;
	assert_differs(f, "match");
}

static void test_everything(void **state)
{
	struct fixture *f = *state;

	f->policy->has_match = false;
	assert_false(policy_matches_everything(f->policy));
	f->policy->has_match = true;
	assert_true(policy_matches_everything(f->policy));
	want(f, POLICY_INIT, "goproc");
	assert_false(policy_matches_everything(f->policy));
	want(f, POLICY_INIT, "?*"); /* one of them is enough */
	assert_true(policy_matches_everything(f->policy));
	want(f, POLICY_IMAGE, "*");
	assert_true(policy_matches_everything(f->policy));
	want(f, POLICY_CONTAINER, "web");
	assert_false(policy_matches_everything(f->policy));
}

/* Many containers have no pod and no such label. */
static void test_what_not_all_have_is_a_choice(void **state)
{
	struct fixture *f = *state;

	want(f, POLICY_INIT, "*");
	want(f, POLICY_POD, "*");
	assert_false(policy_matches_everything(f->policy));
	f->policy->match[POLICY_POD].count = 0;
	free(f->policy->match[POLICY_POD].globs[0]);
	assert_true(policy_matches_everything(f->policy));
	want_pair(f, POLICY_ENV, "TASK", "*");
	assert_false(policy_matches_everything(f->policy));
}

static void test_built_in_defaults(void **state)
{
	const struct policy *defaults = &((struct fixture *)*state)->set.defaults;

	assert_string_equal(defaults->name, "defaults");
	assert_int_equal(defaults->action, POLICY_FINISH);
	assert_int_equal(defaults->timing.settle_ns, 2 * SECOND);
	assert_int_equal(defaults->timing.grace_ns, 10 * SECOND);
	assert_int_equal(defaults->restart_settle_ns, 30 * SECOND);
	assert_int_equal(defaults->signal, SIGTERM);
	assert_int_equal(defaults->status, POLICY_STATUS_SIGNAL);
	assert_true(defaults->injected_holds);
	assert_false(defaults->host_pid_allowed);
	assert_false(defaults->has_match);
	assert_int_equal(defaults->limit.count, 0);
}

static void test_a_policy_inherits_the_defaults_of_its_making(void **state)
{
	struct fixture *f = *state;
	struct policy *policy;

	f->set.defaults.timing.settle_ns = 5 * SECOND;
	assert_int_equal(policy_set_add(&f->set, "next", &policy), 0);
	assert_int_equal(policy->timing.settle_ns, 5 * SECOND);
	assert_false(policy->has_match);
	assert_ptr_equal(policy_set_find(&f->set, "next"), policy);
	assert_int_equal(policy_set_find(&f->set, "test")->timing.settle_ns, 2 * SECOND);
	assert_null(policy_set_find(&f->set, "defaults"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_init_by_one_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_init_by_several_globs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_known_matches_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_each_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_container_by_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_runtime, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_label_annotation_env, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_of_several_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_keys_must_match, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_match_never, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_everything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_not_all_have_is_a_choice, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_built_in_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_policy_inherits_the_defaults_of_its_making,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
