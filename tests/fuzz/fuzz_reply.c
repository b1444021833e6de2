// SPDX-License-Identifier: Apache-2.0
/* What the agent's replies become for people: any JSON is one, and none may act on the terminal. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/escape.h"
#include "out/containers_text.h"
#include "out/explain_text.h"
#include "out/reply_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_safe(struct buf *text)
{
	for (size_t at = 0; at < text->len;) {
		uint32_t code_point;
		size_t len = utf8_decode((const unsigned char *)text->data + at, text->len - at,
					 &code_point);

		require(len && (code_point == '\n' || !code_point_is_control(code_point)));
		at += len;
	}
	require(!text->failed);
	buf_reset(text);
}

static void check_small(struct buf *text, const json_t *reply)
{
	reply_put_container_name(text, reply);
	(void)reply_put_pod(text, reply);
	reply_put_process(text, reply);
	reply_put_string(text, reply);
	reply_put_end(text, reply);
	reply_put_outcome(text, reply);
	require(reply_status(reply) >= -1);
	check_safe(text);
	reply_put_json(text, reply);
	check_safe(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct containers_style narrow = {0}, wide = {.is_wide = true};
	json_t *reply = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct buf text = {0};

	if (!reply)
		return 0;
	check_small(&text, reply);
	explain_put(&text, false, reply);
	check_safe(&text);
	if (json_is_object(reply) && json_is_array(json_object_get(reply, "containers"))) {
		containers_put_table(&text, &narrow, json_object_get(reply, "containers"));
		check_safe(&text);
		containers_put_table(&text, &wide, json_object_get(reply, "containers"));
		check_safe(&text);
	}
	buf_done(&text);
	json_decref(reply);
	return 0;
}
