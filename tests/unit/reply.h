/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the agent, written down. */
#pragma once

#include <jansson.h>
#include <string.h>

/* With ' for ", so that it can be read here. */
static inline json_t *reply(const char *text)
{
	char json[8192];
	json_error_t error;
	json_t *value;

	assert_true(strlen(text) < sizeof(json));
	(void)strcpy(json, text);
	for (char *c = json; (c = strchr(c, '\''));)
		*c = '"';
	value = json_loads(json, JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("%s: %s", error.text, json);
	return value;
}
