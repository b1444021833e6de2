// SPDX-License-Identifier: Apache-2.0
/* The example and the reference say what the parser knows. Run where the repository is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/agent_section.h"
#include "config/match.h"
#include "config/policy_section.h"
#include "config/root.h"

#define EXAMPLE	  "docs/config.example.yaml"
#define REFERENCE "docs/configuration.md"

static const struct key_row *const tables[] = {
	root_keys, agent_keys, defaults_keys, policy_keys, match_keys,
};

static void read_document(const char *path, char *ret_text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		fail_msg("%s cannot be read", path);
	len = fread(ret_text, 1, size - 1, file);
	assert_true(len < size - 1);
	ret_text[len] = '\0';
	(void)fclose(file);
}

static void test_the_example_is_right(void **state)
{
	struct config config;
	struct error error;

	(void)state;
	if (config_load(EXAMPLE, &config, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(config.policies.count, 6);
	assert_null(config.warnings);
	config_done(&config);
}

/* Its values are the defaults, as it says; what it cannot show so, it says, too. */
static void test_the_example_shows_the_defaults(void **state)
{
	struct config config, built_in;
	const struct policy *shown = &config.policies.defaults,
			    *wanted = &built_in.policies.defaults;
	struct error error;

	(void)state;
	assert_int_equal(config_load(EXAMPLE, &config, &error), 0);
	assert_int_equal(config_init(&built_in), 0);
	assert_string_equal(config.socket, built_in.socket);
	assert_string_equal(config.pin, built_in.pin);
	assert_int_equal(config.max_processes, built_in.max_processes);
	assert_int_equal(config.max_containers, built_in.max_containers);
	assert_memory_equal(&shown->timing, &wanted->timing, sizeof(shown->timing));
	assert_int_equal(shown->signal, wanted->signal);
	assert_int_equal(shown->status, wanted->status);
	assert_int_equal(shown->injected_holds, wanted->injected_holds);
	assert_int_equal(shown->host_pid_allowed, wanted->host_pid_allowed);
	assert_int_equal(shown->limit.count, wanted->limit.count);
	assert_int_equal(shown->restart_settle_ns, wanted->restart_settle_ns);
	config_done(&config);
	config_done(&built_in);
}

static void for_all_keys(void (*check)(void *context, const char *key), void *context)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct key_row *row = tables[i]; row->name; row++)
			check(context, row->name);
}

static bool has_key(const struct tree *tree, const char *key)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->kind == TREE_MAP && strcmp(tree->keys[i].text, key) == 0)
			return true;
		if (has_key(&tree->items[i], key))
			return true;
	}
	return false;
}

static void check_tree(void *context, const char *key)
{
	/* Taken for one more release, with a warning. */
	if (strcmp(key, "restart_codes") != 0 && !has_key(context, key))
		fail_msg("%s has no %s", EXAMPLE, key);
}

static void test_every_key_is_in_the_example(void **state)
{
	char text[32768];
	struct error error;
	const struct report report = {EXAMPLE, &error, NULL};
	struct tree tree;

	(void)state;
	read_document(EXAMPLE, text, sizeof(text));
	assert_int_equal(tree_parse(&report, text, strlen(text), &tree), 0);
	for_all_keys(check_tree, &tree);
	for (size_t i = 0; state_dirs_keys[i].name; i++)
		check_tree(&tree, state_dirs_keys[i].name);
	tree_done(&tree);
}

/* In the first column of the table, alone or as the head of a section. */
static void check_table(void *context, const char *key)
{
	char row[64], section[64];

	(void)snprintf(row, sizeof(row), "\n| `%s` |", key);
	(void)snprintf(section, sizeof(section), "\n| **`%s:`** |", key);
	if (!strstr(context, row) && !strstr(context, section))
		fail_msg("%s has no row for %s", REFERENCE, key);
}

/* The runtimes of state_dirs share a row. */
static void test_every_key_is_in_the_reference(void **state)
{
	char text[32768];

	(void)state;
	read_document(REFERENCE, text, sizeof(text));
	for (size_t i = 0; state_dirs_keys[i].name; i++)
		assert_non_null(strstr(text, state_dirs_keys[i].name));
	for_all_keys(check_table, text);
}

/* What the parser calls a key of match is what `explain` calls it. */
static void test_names_of_match_keys(void **state)
{
	size_t i = 0;

	(void)state;
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++, i++)
		assert_string_equal(match_keys[i].name, policy_key_name(key));
	for (enum policy_pair_key key = 0; key < POLICY_PAIR_KEY_COUNT; key++, i++)
		assert_string_equal(match_keys[i].name, policy_pair_key_name(key));
	assert_null(match_keys[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_example_is_right),
		cmocka_unit_test(test_the_example_shows_the_defaults),
		cmocka_unit_test(test_every_key_is_in_the_example),
		cmocka_unit_test(test_every_key_is_in_the_reference),
		cmocka_unit_test(test_names_of_match_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
