// SPDX-License-Identifier: Apache-2.0
/* What a configuration means. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define SECOND UINT64_C(1000000000)

static struct config parse(const char *text)
{
	struct config config;
	struct error error;

	if (config_parse("test", text, strlen(text), &config, &error) < 0)
		fail_msg("%s", error.text);
	return config;
}

/* The example of the contract. */
static const char contract[] = "version: 1\n"
			       "agent:\n"
			       "  metrics: 127.0.0.1:9871\n"
			       "  socket: /run/x.sock\n"
			       "  pin: none\n"
			       "  max_processes: 4096\n"
			       "  max_containers: 100\n"
			       "  state_dirs:\n"
			       "    containerd: [/run/containerd, /run/k3s]\n"
			       "    docker: /srv/docker\n"
			       "defaults:\n"
			       "  settle: 2s\n"
			       "  signal: INT\n"
			       "  limit: 3/20m\n"
			       "  restart_codes: [1, 75]\n"
			       "  helpers: [s6-supervise, runsv, \"PM2 v*\"]\n"
			       "policies:\n"
			       "  - name: never\n"
			       "    match: {namespace: kube-system}\n"
			       "    action: ignore\n"
			       "  - name: taskqueue\n"
			       "    match:\n"
			       "      init: [goproc, pm2]\n"
			       "      env: {MODE: [batch, job*], TASK: '*'}\n"
			       "    settle: 0s\n"
			       "    status: task\n"
			       "    injected: ignore\n"
			       "    host_pid: allow\n"
			       "    limit: none\n"
			       "    restart_codes: 3\n"
			       "  - name: patient\n"
			       "    match: {}\n"
			       "    selectable: true\n"
			       "    settle: 30s\n";

static void test_agent(void **state)
{
	struct config config = parse(contract);

	(void)state;
	assert_string_equal(config.metrics, "127.0.0.1:9871");
	assert_string_equal(config.socket, "/run/x.sock");
	assert_string_equal(config.pin, "none");
	assert_int_equal(config.max_processes, 4096);
	assert_int_equal(config.max_containers, 100);
	assert_string_equal(config.state_dirs[CONFIG_CONTAINERD][0], "/run/containerd");
	assert_string_equal(config.state_dirs[CONFIG_CONTAINERD][1], "/run/k3s");
	assert_null(config.state_dirs[CONFIG_CONTAINERD][2]);
	assert_string_equal(config.state_dirs[CONFIG_DOCKER][0], "/srv/docker");
	assert_null(config.state_dirs[CONFIG_RUNC]);
	assert_string_equal(config.helpers[2], "PM2 v*");
	assert_null(config.helpers[3]);
	config_done(&config);
}

static void test_policies(void **state)
{
	struct config config = parse(contract);
	const struct policy *policies = config.policies.policies;

	(void)state;
	assert_int_equal(config.policies.count, 3);
	assert_string_equal(policies[0].name, "never");
	assert_int_equal(policies[0].action, POLICY_IGNORE);
	assert_string_equal(policies[0].match[POLICY_NAMESPACE].globs[0], "kube-system");
	assert_true(policies[0].has_match);
	assert_false(policies[0].is_selectable);

	assert_int_equal(policies[1].action, POLICY_FINISH);
	assert_int_equal(policies[1].match[POLICY_INIT].count, 2);
	assert_string_equal(policies[1].match[POLICY_INIT].globs[1], "pm2");
	assert_int_equal(policies[1].pairs[POLICY_ENV].count, 2);
	assert_string_equal(policies[1].pairs[POLICY_ENV].pairs[0].key, "MODE");
	assert_string_equal(policies[1].pairs[POLICY_ENV].pairs[0].values.globs[1], "job*");
	assert_string_equal(policies[1].pairs[POLICY_ENV].pairs[1].values.globs[0], "*");
	assert_int_equal(policies[1].status, POLICY_STATUS_TASK);
	assert_false(policies[1].injected_holds);
	assert_true(policies[1].host_pid_allowed);

	assert_false(policies[2].has_match);
	assert_true(policies[2].is_selectable);
	config_done(&config);
}

/* What a policy does not say itself. */
static void test_defaults_apply_to_all(void **state)
{
	struct config config = parse(contract);
	const struct policy *policies = config.policies.policies;

	(void)state;
	assert_int_equal(config.policies.defaults.timing.settle_ns, 2 * SECOND);
	assert_int_equal(policies[0].timing.settle_ns, 2 * SECOND);
	assert_int_equal(policies[1].timing.settle_ns, 0);
	assert_int_equal(policies[2].timing.settle_ns, 30 * SECOND);
	assert_int_equal(policies[2].timing.grace_ns, 10 * SECOND);
	assert_int_equal(policies[2].signal, SIGINT);
	assert_int_equal(policies[2].limit.count, 3);
	assert_int_equal(policies[2].limit.window_ns, 1200 * SECOND);
	assert_int_equal(policies[1].limit.count, 0);
	config_done(&config);
}

/* A policy's own times come before those of the table of managers; the defaults' do not. */
static void test_own_times(void **state)
{
	struct config config = parse(contract);
	const struct policy *policies = config.policies.policies;

	(void)state;
	assert_false(config.policies.defaults.has_settle);
	assert_false(policies[0].has_settle);
	assert_true(policies[1].has_settle);
	assert_false(policies[1].has_restart_settle);
	config_done(&config);
	config = parse("version: 1\ndefaults: {restart_settle: 5s}\n"
		       "policies: [{name: a, restart_settle: 7s}]\n");
	assert_int_equal(config.policies.defaults.restart_settle_ns, 5 * SECOND);
	assert_false(config.policies.defaults.has_restart_settle);
	assert_int_equal(config.policies.policies[0].restart_settle_ns, 7 * SECOND);
	assert_true(config.policies.policies[0].has_restart_settle);
	config_done(&config);
}

static void test_old_keys_are_warned_of(void **state)
{
	struct config config = parse(contract);

	(void)state;
	assert_non_null(strstr(config.warnings[0], "test:15:18: restart_codes has no effect"));
	assert_non_null(strstr(config.warnings[1], "test:30:20: restart_codes"));
	assert_null(config.warnings[2]);
	config_done(&config);
}

static void test_who_may_choose(void **state)
{
	struct config config = parse("version: 1\npolicies:\n"
				     "  - {name: no, match: {init: a}, selectable: false}\n"
				     "  - {name: too, match: {init: a}, selectable: true}\n"
				     "  - {name: only, match: {manager: '*'}, selectable: only}\n");
	const struct policy *policies = config.policies.policies;

	(void)state;
	assert_false(policies[0].is_selectable);
	assert_true(policies[1].is_selectable);
	assert_false(policies[1].is_for_choice);
	assert_true(policies[2].is_selectable);
	assert_true(policies[2].is_for_choice);
	assert_true(policies[2].has_match);
	config_done(&config);
}

static void test_defaults_may_stand_last(void **state)
{
	struct config config = parse(
		"policies:\n- name: a\n  match: {pod: x}\ndefaults: {settle: 7s}\nversion: 1\n");

	(void)state;
	assert_int_equal(config.policies.policies[0].timing.settle_ns, 7 * SECOND);
	config_done(&config);
}

static void check_built_in(const struct config *config)
{
	assert_null(config->metrics);
	assert_string_equal(config->socket, "/run/lastout/lastout.sock");
	assert_string_equal(config->pin, "/sys/fs/bpf/lastout");
	assert_int_equal(config->max_processes, 65536);
	assert_int_equal(config->max_containers, 8192);
	assert_null(config->helpers);
	assert_int_equal(config->policies.count, 0);
	assert_int_equal(config->policies.defaults.timing.settle_ns, 2 * SECOND);
	assert_int_equal(config->policies.defaults.signal, SIGTERM);
}

/* Sections whose keys are all commented out are no mistake. */
static void test_little_is_enough(void **state)
{
	static const char *const texts[] = {
		"version: 1",
		"version: '1'\n",
		"--- # one document\nversion: 1\n...\n",
		"\xef\xbb\xbfversion: 1\r\n",
		"{version: 1}",
		"version: 1\nagent:\ndefaults:\npolicies:\n",
		"version: 1\nagent: {}\ndefaults: {helpers: []}\npolicies: []\n",
		"version: 1\nagent: ~\ndefaults: null\n",
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		config = parse(texts[i]);
		check_built_in(&config);
		config_done(&config);
	}
	assert_int_equal(config_init(&config), 0);
	check_built_in(&config);
	config_done(&config);
}

static void test_many_policies(void **state)
{
	char text[32000] = "version: 1\npolicies:\n";
	size_t len = strlen(text);
	struct config config;

	(void)state;
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"- {name: p%d, match: {}}\n", i);
	config = parse(text);
	assert_int_equal(config.policies.count, 1000);
	assert_string_equal(config.policies.policies[999].name, "p999");
	config_done(&config);
}

static void test_files(void **state)
{
	char path[] = "/tmp/lastout-test-config-XXXXXX";
	int fd = mkstemp(path);
	struct config config;
	struct error error;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "version: 1\nagent: {pin: none}\n", 30), 30);
	assert_int_equal(config_load(path, &config, &error), 0);
	assert_string_equal(config.pin, "none");
	config_done(&config);

	/* As large as may be, which is NULs behind the 30 bytes; then by one byte larger. */
	assert_int_equal(ftruncate(fd, CONFIG_SIZE_MAX), 0);
	assert_int_equal(config_load(path, &config, &error), -EINVAL);
	assert_int_equal(ftruncate(fd, CONFIG_SIZE_MAX + 1), 0);
	assert_int_equal(config_load(path, &config, &error), -EFBIG);
	assert_non_null(strstr(error.text, path));
	(void)close(fd);
	(void)unlink(path);

	assert_int_equal(config_load(path, &config, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(config_load("/", &config, &error), -EISDIR);
	assert_int_equal(config_load("/dev/zero", &config, &error), -EFBIG);
}

static void test_endpoints(void **state)
{
	static const char *const good[] = {"127.0.0.1:9871", "0.0.0.0:1", "[::]:65535",
					   "[fe80::1]:80"};
	static const char *const bad[] = {
		"",
		":9871",
		"9871",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:99999999999999999999",
		"1.2.3:80",
		"localhost:80",
		"::1:80",
		"[::1:80",
		"[::1]80",
		"[]:80",
		"[127.0.0.1]:80",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"1.2.3.4.5:1",
		"a:b:c",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!config_is_endpoint(good[i]))
			fail_msg("'%s' is one", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_is_endpoint(bad[i]))
			fail_msg("'%s' is none", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_defaults_apply_to_all),
		cmocka_unit_test(test_own_times),
		cmocka_unit_test(test_old_keys_are_warned_of),
		cmocka_unit_test(test_who_may_choose),
		cmocka_unit_test(test_defaults_may_stand_last),
		cmocka_unit_test(test_little_is_enough),
		cmocka_unit_test(test_many_policies),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
