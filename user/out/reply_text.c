// SPDX-License-Identifier: Apache-2.0
#include "out/reply_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/escape.h"
#include "core/exit_status.h"
#include "out/cell.h"
#include "out/event_text.h"

static bool has_text(const json_t *string)
{
	return json_string_length(string) > 0;
}

void reply_put_string(struct buf *out, const json_t *string)
{
	if (has_text(string))
		escape_text(out, json_string_value(string), json_string_length(string));
	else
		buf_putc(out, '-');
}

void reply_put_container_name(struct buf *out, const json_t *container)
{
	const json_t *name = json_object_get(container, "name");
	const json_t *id = json_object_get(container, "id");

	if (has_text(name) || !has_text(id))
		reply_put_string(out, name);
	else
		escape_text(out, json_string_value(id),
			    cell_short_id_length(json_string_value(id)));
}

bool reply_put_pod(struct buf *out, const json_t *container)
{
	const json_t *pod = json_object_get(container, "pod");
	const json_t *namespace = json_object_get(container, "namespace");

	if (!has_text(pod))
		return false;
	if (has_text(namespace)) {
		reply_put_string(out, namespace);
		buf_putc(out, '/');
	}
	reply_put_string(out, pod);
	return true;
}

void reply_put_process(struct buf *out, const json_t *process)
{
	reply_put_string(out, json_object_get(process, "comm"));
	buf_printf(out, "[%lld]", (long long)json_integer_value(json_object_get(process, "pid")));
}

int reply_status(const json_t *ended)
{
	const json_t *code = json_object_get(ended, "exit_code");
	const char *name = json_string_value(json_object_get(ended, "signal"));
	int signal = name ? signal_parse(name) : -1;

	if (signal > 0)
		return signal;
	return json_is_integer(code) ? (int)(json_integer_value(code) & 0xff) << 8 : -1;
}

void reply_put_end(struct buf *out, const json_t *ended)
{
	char text[EXIT_STATUS_TEXT_SIZE];
	int status = reply_status(ended);

	reply_put_process(out, ended);
	if (status < 0) {
		buf_puts(out, " ended, how was not seen");
	} else if (exit_status_signal(status)) {
		exit_status_text(status, text, sizeof(text));
		buf_printf(out, " was killed by %s", text);
	} else {
		buf_printf(out, " exited with %d", exit_status_code(status));
	}
}

/* A newer agent may know more ways than this program has words for. */
static void put_how(struct buf *out, const json_t *how)
{
	const char *words = text_outcome_how(json_string_value(how));

	if (words)
		buf_puts(out, words);
	else
		reply_put_string(out, how);
}

void reply_put_outcome(struct buf *out, const json_t *outcome)
{
	const json_t *init = json_object_get(outcome, "init");
	const json_t *last_task = json_object_get(outcome, "last_task");
	char text[EXIT_STATUS_TEXT_SIZE];
	int status = reply_status(init);

	reply_put_container_name(out, json_object_get(outcome, "container"));
	buf_puts(out, ": ");
	reply_put_process(out, init);
	buf_putc(out, ' ');
	put_how(out, json_object_get(outcome, "how"));
	if (status >= 0) {
		exit_status_text(status, text, sizeof(text));
		buf_printf(out, " (%s)", text);
	}
	if (json_is_object(last_task)) {
		buf_puts(out, "; last task ");
		reply_put_end(out, last_task);
	}
	buf_putc(out, '\n');
}

void reply_put_json(struct buf *out, const json_t *value)
{
	/* Real numbers as the agent writes them, with their digits and no more. */
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY |
					       JSON_REAL_PRECISION(15));

	if (!text) {
		out->failed = true;
		return;
	}
	/* The one control that it leaves as it is. It can only stand in a string. */
	for (char *c = text, *next; *c; c = next) {
		next = strchrnul(c, 0x7f);
		buf_append(out, c, (size_t)(next - c));
		if (*next) {
			buf_puts(out, "\\u007f");
			next++;
		}
	}
	buf_putc(out, '\n');
	free(text);
}
