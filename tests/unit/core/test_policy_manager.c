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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND	     UINT64_C(1000000000)

struct fixture {
	struct policy_set set;
	struct identity identity;
	struct policy_subject subject;
	struct command_line args, led;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || policy_set_init(&f->set) < 0)
		return -1;
	f->subject = (struct policy_subject){
		.identity = &f->identity, .comm = "", .init_args = &f->args, .led_args = &f->led};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	policy_set_done(&f->set);
	free(f);
	return 0;
}

/* Arguments as one text, a bar between two. */
static struct command_line line_of(const char *text)
{
	struct command_line line = {0};
	char copy[256], *rest = NULL;

	(void)strcpy(copy, text);
	for (char *word = strtok_r(copy, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
		command_line_add(&line, word);
	return line;
}

/* A policy that names it in one of these two ways; NULL: not. */
static int check(struct fixture *f, const char *init, const char *manager, const char *comm,
		 const char *args, struct error *error)
{
	struct policy *policy;
	int err;

	assert_int_equal(policy_set_add(&f->set, "p", &policy), 0);
	policy->has_match = init || manager;
	if (init)
		assert_int_equal(policy_globs_add(&policy->match[POLICY_INIT], init), 0);
	if (manager)
		assert_int_equal(policy_globs_add(&policy->match[POLICY_MANAGER], manager), 0);
	f->subject.comm = comm;
	f->args = line_of(args);
	err = policy_check_manager(policy, &f->subject, error);
	assert_true(err == 0 || err == -EPERM);
	return err;
}

static void test_named_or_not(void **state)
{
	static const struct {
		const char *init, *manager, *comm, *args;
		bool may_end;
	} cases[] = {
		/* Supervisors are known, whatever the policy asks about. */
		{NULL, NULL, "goproc", "/bin/goproc|run", true},
		{NULL, NULL, "supervisord", "python3|/usr/bin/supervisord", true},
		{NULL, NULL, "node", "node|/usr/bin/pm2-runtime|start", true},
		/* All others are not. */
		{NULL, NULL, "python3", "python3|train.py", false},
		{NULL, NULL, "sh", "sh|-c|a; b", false},
		{NULL, NULL, "bash", "bash|run.sh", false},
		{NULL, NULL, "node", "node|server.js", false},
		{NULL, NULL, "celery", "python3|/usr/bin/celery|worker", false},
		{NULL, NULL, "nginx", "nginx", false},
		{NULL, NULL, "sleep", "sleep|infinity", false},
		{NULL, NULL, "tini", "tini|--|train", false},
		/* A name that a process gives itself makes it no supervisor. */
		{NULL, NULL, "supervisord", "python3|train.py", false},
		/* An exact name, or a pattern that says something. */
		{"mypm", NULL, "mypm", "/opt/mypm", true},
		{"m", NULL, "m", "/opt/m", true},
		{"myp*", NULL, "mypm", "/opt/mypm", true},
		{"?ypm", NULL, "mypm", "/opt/mypm", true},
		{"m*", NULL, "mypm", "/opt/mypm", false},
		{"my*", NULL, "mypm", "/opt/mypm", false},
		{"[a-z][a-z]pm", NULL, "mypm", "/opt/mypm", false},
		{"*", NULL, "mypm", "/opt/mypm", false},
		{"????*", NULL, "mypm", "/opt/mypm", false},
		/* Another one. */
		{"other", NULL, "mypm", "/opt/mypm", false},
		/* An interpreter by its script or module alone. */
		{"train.py", NULL, "python3", "python3|train.py", true},
		{"http.server", NULL, "python3", "python3|-m|http.server", true},
		{"python3", NULL, "python3", "python3|train.py", false},
		{"python*", NULL, "python3.11", "/usr/bin/python3.11|train.py", false},
		{"python3", NULL, "python3", "python3|-c|x", false},
		{"node", NULL, "node", "node|server.js", false},
		/* A script that is a program itself has its own command name. */
		{"pm.py", NULL, "pm.py", "/usr/bin/python3|/opt/pm.py", true},
		/* A shell by its own name, too. */
		{"sh", NULL, "sh", "sh|-c|a; b", true},
		{"bash", NULL, "run.sh", "/bin/bash|/run.sh", true},
		{"run.sh", NULL, "run.sh", "/bin/bash|/run.sh", true},
		{"busybox", NULL, "busybox", "busybox|sh|-c|x", true},
		{"busybox", NULL, "busybox", "busybox|httpd|-f", false},
		{"httpd", NULL, "busybox", "busybox|httpd|-f", true},
		/* By the table: a server only by its own name. */
		{NULL, "celery", "celery", "python3|/usr/bin/celery|worker", true},
		{NULL, "cel*", "celery", "python3|/usr/bin/celery|worker", true},
		{NULL, "*", "celery", "python3|/usr/bin/celery|worker", false},
		{NULL, "s6", "celery", "python3|/usr/bin/celery|worker", false},
		{NULL, "sleep", "sleep", "sleep|infinity", true},
	};
	struct error error;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int err = check(*state, cases[i].init, cases[i].manager, cases[i].comm,
				cases[i].args, &error);

		if (cases[i].may_end != (err == 0))
			fail_msg("init %s, manager %s: %s: %d", cases[i].init, cases[i].manager,
				 cases[i].args, err);
	}
}

static void test_through_wrappers(void **state)
{
	struct fixture *f = *state;
	struct error error;

	assert_int_equal(check(f, NULL, NULL, "tini", "tini|--|entry.sh", &error), -EPERM);
	f->led = line_of("python3|/usr/bin/supervisord");
	assert_int_equal(check(f, NULL, NULL, "tini", "tini|--|entry.sh", &error), 0);
	f->led = line_of("nginx");
	assert_int_equal(check(f, NULL, NULL, "tini", "tini|--|entry.sh", &error), -EPERM);
}

/* A shell that executes its last command unasked. */
static void test_what_it_was_before(void **state)
{
	struct fixture *f = *state;
	struct program before = {.comm = "bash", .args = line_of("bash|-c|task & sleep 9")};
	struct error error;

	f->subject.formers = &before;
	f->subject.former_count = 1;
	assert_int_equal(check(f, "bash", NULL, "sleep", "sleep|9", &error), 0);
	assert_int_equal(check(f, "dash", NULL, "sleep", "sleep|9", &error), -EPERM);
	assert_int_equal(check(f, "bash", NULL, "server", "/server", &error), -EPERM);
	assert_int_equal(check(f, "bash", NULL, "python3", "python3|train.py", &error), -EPERM);
	before.args = line_of("python3|train.py");
	(void)strcpy(before.comm, "python3");
	assert_int_equal(check(f, "python3", NULL, "sleep", "sleep|9", &error), -EPERM);
	assert_int_equal(check(f, "train.py", NULL, "sleep", "sleep|9", &error), 0);
}

/* The words are what a person has to write. */
static void test_says_what_to_write(void **state)
{
	struct fixture *f = *state;
	struct error error;

	(void)check(f, "x", NULL, "python3", "python3|/app/train.py", &error);
	assert_non_null(strstr(error.text, "init: [train.py]"));
	assert_non_null(strstr(error.text, "policy 'p'"));
	assert_null(strstr(error.text, "selectable"));
	(void)check(f, NULL, NULL, "sh", "/bin/sh|-c|x", &error);
	assert_non_null(strstr(error.text, "init: [sh]"));
	assert_non_null(strstr(error.text, "selectable: only"));
	(void)check(f, "x", NULL, "python3", "python3|-c|x", &error);
	assert_non_null(strstr(error.text, "no policy can name it"));
	(void)check(f, "x", NULL, "python3", "", &error);
	assert_non_null(strstr(error.text, "cannot be read"));
}

static struct ended ended(int status, uint64_t lived_ns)
{
	return (struct ended){
		.process = {.start_ns = 100 * SECOND},
		.time_ns = 100 * SECOND + lived_ns,
		.status = status,
		.is_known = true,
	};
}

static void check_settle(const struct policy *policy, const char *manager, struct ended last,
			 const char *key, const char *from, uint64_t ns)
{
	struct command_line args = line_of(manager);
	struct policy_settle settle = policy_settle(policy, manager_find(&args), &last);

	assert_string_equal(settle.key, key);
	assert_string_equal(settle.from, from);
	assert_int_equal(settle.ns, ns);
	assert_non_null(settle.why);
}

static void test_which_settle(void **state)
{
	const struct policy *policy = &((struct fixture *)*state)->set.defaults;
	struct ended unknown = ended(0, 10 * SECOND);

	unknown.is_known = false;
	check_settle(policy, "x", ended(0, SECOND), "settle", "defaults", 2 * SECOND);
	check_settle(policy, "x", ended(0, SECOND - 1), "restart_settle", "defaults", 30 * SECOND);
	check_settle(policy, "x", ended(3 << 8, 10 * SECOND), "restart_settle", "defaults",
		     30 * SECOND);
	check_settle(policy, "x", ended(9, 10 * SECOND), "restart_settle", "defaults", 30 * SECOND);
	check_settle(policy, "x", unknown, "restart_settle", "defaults", 30 * SECOND);
}

/* Policy over table row over defaults. */
static void test_whose_settle(void **state)
{
	struct policy policy = ((struct fixture *)*state)->set.defaults;
	struct ended good = ended(0, 5 * SECOND), bad = ended(1 << 8, 5 * SECOND);

	policy.timing.settle_ns = 7 * SECOND;
	check_settle(&policy, "x", good, "settle", "defaults", 7 * SECOND);
	check_settle(&policy, "supervisord", good, "settle", "manager", 5 * SECOND);
	check_settle(&policy, "supervisord", bad, "restart_settle", "manager", 15 * SECOND);
	check_settle(&policy, "goproc", bad, "restart_settle", "manager", 1 * SECOND);
	/* A row that says nothing about times. */
	check_settle(&policy, "circusd", good, "settle", "defaults", 7 * SECOND);
	policy.has_settle = true;
	check_settle(&policy, "supervisord", good, "settle", "policy", 7 * SECOND);
	/* An explicit settle leaves restart_settle alone, unless it is longer. */
	policy.timing.settle_ns = 0;
	check_settle(&policy, "supervisord", good, "settle", "policy", 0);
	check_settle(&policy, "supervisord", bad, "restart_settle", "manager", 15 * SECOND);
	check_settle(&policy, "x", bad, "restart_settle", "defaults", 30 * SECOND);
	policy.timing.settle_ns = 60 * SECOND;
	check_settle(&policy, "supervisord", bad, "restart_settle", "policy", 60 * SECOND);
	policy.timing.settle_ns = 0;
	policy.has_restart_settle = true;
	policy.restart_settle_ns = SECOND;
	check_settle(&policy, "supervisord", bad, "restart_settle", "policy", SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_named_or_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_through_wrappers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_it_was_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_says_what_to_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_which_settle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whose_settle, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
