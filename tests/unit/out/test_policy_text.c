// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "out/policy_text.h"

#define DEFAULTS "settle 2s or its manager's, restart_settle 30s or its manager's"

static void check(const char *policy, const char *match, const char *action)
{
	struct buf text = {0}, found = {0};
	struct config config;
	struct error error;

	buf_printf(&text, "version: 1\npolicies: [{name: a, %s}]\n", policy);
	if (config_parse("test", text.data, text.len, &config, &error) < 0)
		fail_msg("%s", error.text);
	text_put_match(&found, &config.policies.policies[0]);
	assert_string_equal(found.data, match);
	buf_reset(&found);
	text_put_action(&found, &config.policies.policies[0]);
	assert_string_equal(found.data, action);
	buf_done(&found);
	buf_done(&text);
	config_done(&config);
}

static void test_policies_in_words(void **state)
{
	(void)state;
	check("match: {init: goproc}", "init is goproc",
	      "finish: " DEFAULTS ", SIGTERM, grace 10s");
	check("match: {pod: [a, 'b*'], label: {tier: x, team: [y, z]}}, action: watch",
	      "pod is a or b*, and label tier is x, and label team is y or z", "watch");
	check("match: {}", "never", "finish: " DEFAULTS ", SIGTERM, grace 10s");
	check("match: {manager: s6}, selectable: only", "if chosen, and manager is s6",
	      "finish: " DEFAULTS ", SIGTERM, grace 10s");
	check("match: {}, selectable: true, action: ignore", "if chosen", "ignore");
	check("match: {init: a}, selectable: true, settle: 0, signal: RTMIN+3, status: task",
	      "init is a, or if chosen",
	      "finish: settle 0s, restart_settle 30s or its manager's, SIGRTMIN+3, grace 10s, status task");
	check("match: {init: a}, restart_settle: 7s, limit: 3/20m, injected: ignore, "
	      "host_pid: allow",
	      "init is a",
	      "finish: settle 2s or its manager's, restart_settle 7s, SIGTERM, grace 10s, limit 3/20m00s, "
	      "injected ignored, host_pid allowed");
}

static void test_hostile_patterns(void **state)
{
	(void)state;
	check("match: {env: {\"\\e[31m\": \"a\\nb \\\"c\\\"\"}}",
	      "env \"\\x1b[31m\" is \"a\\nb \\\"c\\\"\"",
	      "finish: " DEFAULTS ", SIGTERM, grace 10s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies_in_words),
		cmocka_unit_test(test_hostile_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
