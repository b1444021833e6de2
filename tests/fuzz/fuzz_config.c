// SPDX-License-Identifier: Apache-2.0
/* The configuration: whatever is in the file is either understood or refused with a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* What the agent relies on without looking again. */
static void check_config(const struct config *config)
{
	const struct policy_set *set = &config->policies;

	require(config->socket[0] == '/');
	require(config->pin[0] == '/' || strcmp(config->pin, "none") == 0);
	require(!config->metrics || config_is_endpoint(config->metrics));
	require(config->max_processes >= CONFIG_PROCESSES_MIN);
	require(config->max_containers >= CONFIG_CONTAINERS_MIN);
	for (int i = 0; i < CONFIG_RUNTIME_COUNT; i++)
		require(!config->state_dirs[i] || config->state_dirs[i][0][0] == '/');
	for (size_t i = 0; i < set->count; i++) {
		const struct policy *policy = &set->policies[i];

		require(policy_set_find(set, policy->name) == policy);
		require(policy->action != POLICY_FINISH || !policy_matches_everything(policy));
		require(policy->signal > 0 && policy->signal <= 64);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	struct error error = {""};
	/* A block of its own, so that reading behind it is seen. */
	char *text = malloc(size ? size : 1);

	require(text);
	memcpy(text, data, size);
	if (config_parse("f", text, size, &config, &error) == 0) {
		check_config(&config);
		config_done(&config);
	} else {
		require(strncmp(error.text, "f:", 2) == 0 && strlen(error.text) > 3);
	}
	free(text);
	return 0;
}
