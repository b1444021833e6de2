// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/managers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Arguments as one text, a bar between two. */
static struct command_line line_of(const char *text)
{
	struct command_line line;
	char bytes[256];
	size_t len = strlen(text) + 1;

	memcpy(bytes, text, len);
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == '|')
			bytes[i] = '\0';
	command_line_set(&line, bytes, len);
	return line;
}

static void test_found_by_their_programs(void **state)
{
	static const struct {
		const char *line, *name;
	} cases[] = {
		{"/usr/local/bin/goproc|run", "goproc"},
		{"/usr/bin/python3|/usr/bin/supervisord|-n", "supervisord"},
		{"supervisord", "supervisord"},
		{"python3|-m|supervisor.supervisord", "supervisord"},
		{"/package/admin/s6/command/s6-svscan|-d4|--|/run/service", "s6"},
		{"runsvdir|-P|/etc/service", "runit"},
		{"node|/usr/local/bin/pm2-runtime|start|a.js", "pm2"},
		{"PM2 v7.0.4: God Daemon (/root/.pm2)", "pm2"},
		{"/usr/bin/python3|-u|/sbin/my_init", "my_init"},
		{"svscan|/service", "daemontools"},
		{"/sbin/docker-init|--|sh", "docker-init"},
		{"python3|/usr/local/bin/celery|-A|app|worker", "celery"},
		{"nginx: master process /usr/sbin/nginx -g daemon off;", "nginx"},
		{"php-fpm8.2", "php-fpm"},
		{"sleep|infinity", "sleep"},
		{"/sbin/init", "init"},
		{"python3|train.py", ""},
		{"python3|train.py|supervisord", ""},
		{"sh|-c|supervisord", ""},
		{"bash", ""},
		{"/opt/supervisord/start", ""},
		{"goproc2", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct command_line line = line_of(cases[i].line);
		const struct manager *manager = manager_find(&line);
		const char *name = manager ? manager->name : "";

		if (strcmp(name, cases[i].name) != 0)
			fail_msg("'%s': '%s', not '%s'", cases[i].line, name, cases[i].name);
	}
}

static void test_nothing_is_found_by_nothing(void **state)
{
	const struct command_line line = {0};

	(void)state;
	assert_null(manager_find(&line));
	assert_null(manager_of(&line, &line));
	assert_null(manager_of(NULL, NULL));
}

static void test_led_by_a_small_init(void **state)
{
	static const struct {
		const char *line, *led;
	} cases[] = {
		{"tini|--|supervisord|-n", "supervisord"},
		{"/sbin/docker-init|--|/usr/bin/python3|/usr/bin/supervisord", "supervisord"},
		{"tini|-g|-p|SIGTERM|-e|143|s6-svscan|/s", "s6-svscan"},
		{"dumb-init|-r|15:3|--single-child|supervisord", "supervisord"},
		{"catatonit|-P", ""},
		{"tini|--", ""},
		{"tini", ""},
		{"sh|-c|supervisord", ""},
		{"gosu|app|supervisord", ""}, /* is not there any more when that runs */
		{"supervisord", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct command_line line = line_of(cases[i].line), led = {0};
		bool is_led = manager_led_by(&line, &led);

		assert_string_equal(is_led ? command_line_program(&led) : "", cases[i].led);
	}
}

static void test_of_what_init_leads_to(void **state)
{
	struct command_line tini = line_of("tini|--|x"), led = line_of("supervisord");
	struct command_line server = line_of("nginx"), none = {0};

	(void)state;
	assert_string_equal(manager_of(&tini, &led)->name, "supervisord");
	assert_string_equal(manager_of(&tini, &none)->name, "tini");
	assert_string_equal(manager_of(&tini, &server)->name, "tini");
	assert_true(manager_may_lead(&tini));
	led = line_of("bash|/entrypoint.sh");
	assert_true(manager_may_lead(&led));
	assert_false(manager_may_lead(&server));
	assert_false(manager_may_lead(&none));
}

/* Names are one word: they stand in policies, and none hides another. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < manager_count; i++) {
		assert_int_equal(strcspn(managers[i].name, " *?["), strlen(managers[i].name));
		assert_non_null(managers[i].programs);
		assert_string_not_equal(manager_class_name(managers[i].class), "unknown");
		assert_true(managers[i].restart_settle_ms >= managers[i].settle_ms);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(managers[i].name, managers[j].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_their_programs),
		cmocka_unit_test(test_nothing_is_found_by_nothing),
		cmocka_unit_test(test_led_by_a_small_init),
		cmocka_unit_test(test_of_what_init_leads_to),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
