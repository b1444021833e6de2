// SPDX-License-Identifier: Apache-2.0
/* Records of the kernel side, with any bytes in them: one line of valid JSON, and safe to print. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "out/event_json.h"
#include "out/event_text.h"
#include "out/termination_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_json(struct buf *line)
{
	/* Numbers that no kernel tells may be more than jansson's integers hold. */
	size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
	json_t *object = json_loadb(line->data, line->len, flags, NULL);

	require(json_is_object(object));
	require(strcspn(line->data, "\n") == line->len - 1 && line->data[line->len - 1] == '\n');
	json_decref(object);
	buf_reset(line);
}

static void check_text(struct buf *line)
{
	for (size_t at = 0; at < line->len;) {
		uint32_t code_point;
		size_t len = utf8_decode((const unsigned char *)line->data + at, line->len - at,
					 &code_point);

		require(len && (!code_point_is_control(code_point) ||
				(code_point == '\n' && at + 1 == line->len)));
		at += len;
	}
	buf_reset(line);
}

static void check_exit(struct buf *line, const struct record_exit *record,
		       const struct container *container)
{
	const struct table_style narrow = {.time = CLOCK_KIND_UTC};
	const struct table_style wide = {.time = CLOCK_KIND_MONO, .is_wide = true};

	event_json_exit(line, record, container);
	check_json(line);
	table_put_exit(line, &narrow, record, container);
	check_text(line);
	table_put_exit(line, &wide, record, container);
	check_text(line);
}

static struct ended end_of(const struct record_exit *record)
{
	struct ended ended = {.status = record->status, .is_known = true};

	ended.process.pid = (pid_t)record->pid;
	ended.time_ns = record->head.time_ns;
	memcpy(ended.process.comm, record->comm, ABI_COMM_SIZE);
	return ended;
}

static void check_outcome(struct buf *line, const struct container *container)
{
	struct outcome outcome = {.container = container, .policy = "p", .has_latency = true};

	for (outcome.how = OUTCOME_SELF; outcome.how <= OUTCOME_DRY_RUN; outcome.how++) {
		event_json_outcome(line, &outcome);
		check_json(line);
		text_put_outcome(line, &outcome);
		check_text(line);
		text_put_termination(line, &outcome);
		check_text(line);
	}
	event_json_state(line, 1, container, "working");
	check_json(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_exit record = {0};
	struct container container = {.path = "/a"};
	struct buf line = {0};
	char *name;

	memcpy(&record, data, size < sizeof(record) ? size : sizeof(record));
	data += size < sizeof(record) ? size : sizeof(record);
	size -= size < sizeof(record) ? size : sizeof(record);
	name = strndup((const char *)data, size);
	require(name);
	check_exit(&line, &record, NULL);
	container.identity = (struct identity){.name = name, .pod = name, .namespace = name};
	memcpy(container.identity.id, name, strnlen(name, sizeof(container.identity.id) - 1));
	command_line_set(&container.init_args, name, strlen(name));
	container.init.pid = (pid_t)record.tid;
	memcpy(container.init.comm, record.comm, ABI_COMM_SIZE);
	check_exit(&line, &record, &container);
	check_outcome(&line, &container);
	container.last_task = container.init_exit = container.first_failure = end_of(&record);
	check_outcome(&line, &container);
	free(name);
	buf_done(&line);
	return 0;
}
