// SPDX-License-Identifier: Apache-2.0
#include "out/explain_text.h"

#include "base/cleanup.h"
#include "base/duration.h"
#include "out/cell.h"
#include "out/reply_text.h"

enum { LABEL_WIDTH = -11, VERDICT_WIDTH = -15, PID_WIDTH = 7, ROLE_WIDTH = -8, NAME_WIDTH = -16 };

static void put_label(struct buf *out, const char *label)
{
	cell_put(out, label, LABEL_WIDTH, false, NULL);
}

/* One of several lines below one label. */
static void put_nth_label(struct buf *out, size_t n, const char *label)
{
	put_label(out, n == 0 ? label : "");
}

static void put_cell(struct buf *out, const json_t *string, int width)
{
	_cleanup_(buf_done) struct buf cell = {0};

	reply_put_string(&cell, string);
	cell_put(out, cell.data ? cell.data : "", width, false, NULL);
}

static void put_seconds(struct buf *out, const json_t *seconds)
{
	char text[DURATION_TEXT_SIZE];
	double value = json_number_value(seconds);

	if (value < 0 || value > 1e9)
		value = 0;
	duration_format((uint64_t)(value * 1e9), text, sizeof(text));
	buf_puts(out, text);
}

static void put_line(struct buf *out, const char *label, const json_t *string)
{
	if (!json_is_string(string))
		return;
	put_label(out, label);
	reply_put_string(out, string);
	buf_putc(out, '\n');
}

static void put_list(struct buf *out, const json_t *array, const char *key)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry) {
		buf_puts(out, i ? ", " : "");
		reply_put_string(out, key ? json_object_get(entry, key) : entry);
		if (key && json_is_string(json_object_get(entry, "error"))) {
			buf_puts(out, " (");
			reply_put_string(out, json_object_get(entry, "error"));
			buf_putc(out, ')');
		}
	}
}

/* Only where something is missing: how far the runtime's state was read, and where it was looked for. */
static void put_sources(struct buf *out, const json_t *identity)
{
	const json_t *missing = json_object_get(identity, "missing");
	const json_t *places = json_object_get(identity, "looked_in");
	const json_t *path = json_object_get(identity, "unread_path");
	const json_t *error = json_object_get(identity, "unread_error");

	if (json_is_string(error)) {
		put_label(out, "unreadable");
		if (json_is_string(path)) {
			reply_put_string(out, path);
			buf_puts(out, ": ");
		}
		reply_put_string(out, error);
		buf_putc(out, '\n');
	}
	if (json_array_size(missing) == 0)
		return;
	put_label(out, "not found");
	put_list(out, missing, NULL);
	buf_puts(out, "; looked in ");
	if (json_array_size(places))
		put_list(out, places, "path");
	else
		buf_puts(out, "none of the usual places: none exists");
	buf_putc(out, '\n');
}

static void put_identity(struct buf *out, const json_t *container)
{
	_cleanup_(buf_done) struct buf pod = {0};

	put_label(out, "container");
	reply_put_container_name(out, container);
	buf_puts(out, " (");
	reply_put_string(out, json_object_get(container, "runtime"));
	buf_puts(out, ")\n");
	put_line(out, "id", json_object_get(container, "id"));
	if (reply_put_pod(&pod, container) && pod.data) {
		put_label(out, "pod");
		buf_puts(out, pod.data);
		buf_putc(out, '\n');
	}
	put_line(out, "image", json_object_get(container, "image"));
	put_line(out, "cgroup", json_object_get(container, "cgroup"));
	put_sources(out, json_object_get(container, "identity"));
}

static void put_count(struct buf *out, const json_t *container, const char *key, const char *one,
		      const char *many)
{
	long long count = json_integer_value(json_object_get(container, key));

	buf_printf(out, ", %lld %s", count, count == 1 ? one : many);
}

static void put_state(struct buf *out, const json_t *container)
{
	const json_t *memory = json_object_get(container, "memory_bytes");
	char text[16];

	put_label(out, "state");
	reply_put_string(out, json_object_get(container, "state"));
	put_count(out, container, "tasks", "task", "tasks");
	put_count(out, container, "helpers", "helper", "helpers");
	put_count(out, container, "injected", "injected", "injected");
	if (json_integer_value(memory) > 0) {
		cell_format_bytes((uint64_t)json_integer_value(memory), text, sizeof(text));
		buf_printf(out, ", %s of memory", text);
	}
	buf_putc(out, '\n');
}

static void put_init(struct buf *out, const json_t *init)
{
	put_label(out, "init");
	if (json_is_object(init)) {
		reply_put_process(out, init);
		if (json_is_string(json_object_get(init, "argv0"))) {
			buf_puts(out, ", started as ");
			reply_put_string(out, json_object_get(init, "argv0"));
		}
	} else {
		buf_puts(out, "none so far");
	}
	buf_putc(out, '\n');
}

static void put_last_exit(struct buf *out, bool has_colour, const json_t *container)
{
	const json_t *last_exit = json_object_get(container, "last_exit");
	const json_t *idle = json_object_get(container, "idle_s");
	int status = reply_status(last_exit);

	put_label(out, "last exit");
	if (!json_is_object(last_exit)) {
		buf_puts(out, "none so far\n");
		return;
	}
	if (has_colour && status >= 0)
		buf_puts(out, cell_status_colour(status));
	reply_put_end(out, last_exit);
	if (has_colour && status >= 0)
		buf_puts(out, CELL_COLOUR_OFF);
	if (json_is_number(idle)) {
		buf_puts(out, ", idle since then: ");
		put_seconds(out, idle);
	}
	buf_putc(out, '\n');
}

/* `taskqueue (match): finish` */
static void put_policy(struct buf *out, const json_t *container)
{
	const json_t *policy = json_object_get(container, "policy");
	const json_t *why = json_object_get(container, "policy_why");

	put_label(out, "policy");
	if (json_is_string(policy))
		reply_put_string(out, policy);
	else
		buf_puts(out, "none");
	if (json_is_string(why)) {
		buf_puts(out, " (");
		reply_put_string(out, why);
		buf_putc(out, ')');
	}
	buf_puts(out, ": ");
	reply_put_string(out, json_object_get(container, "action"));
	if (json_is_true(json_object_get(container, "dry_run")))
		buf_puts(out, ", but a dry run");
	buf_putc(out, '\n');
}

/* Each policy in the order in which they were asked, and why it was not that one. */
static void put_policies(struct buf *out, const json_t *policies)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy) {
		const json_t *key = json_object_get(policy, "key");

		put_nth_label(out, i, "policies");
		put_cell(out, json_object_get(policy, "verdict"), VERDICT_WIDTH);
		reply_put_string(out, json_object_get(policy, "name"));
		if (json_is_string(key)) {
			buf_puts(out, ", by ");
			reply_put_string(out, key);
		}
		buf_putc(out, '\n');
	}
}

static void put_rejected_choice(struct buf *out, const json_t *choice)
{
	if (!json_is_string(choice))
		return;
	put_label(out, "");
	buf_puts(out, "it asked for `");
	reply_put_string(out, choice);
	buf_puts(out, "`, which it may not choose\n");
}

static void put_members(struct buf *out, const json_t *members)
{
	const json_t *member;
	size_t i;

	json_array_foreach(members, i, member) {
		long long pid = json_integer_value(json_object_get(member, "pid"));

		put_nth_label(out, i, "inside");
		buf_printf(out, "%*lld ", PID_WIDTH, pid);
		put_cell(out, json_object_get(member, "role"), ROLE_WIDTH);
		reply_put_string(out, json_object_get(member, "comm"));
		if (json_is_true(json_object_get(member, "is_dying")))
			buf_puts(out, " (dying)");
		else if (json_is_true(json_object_get(member, "is_outside")))
			buf_puts(out, " (in another cgroup)");
		buf_putc(out, '\n');
	}
	if (json_array_size(members) == 0) {
		put_label(out, "inside");
		buf_puts(out, "nobody\n");
	}
}

static void put_guards(struct buf *out, const json_t *guards)
{
	const json_t *guard;
	size_t i;

	json_array_foreach(guards, i, guard) {
		put_nth_label(out, i, "guards");
		buf_puts(out, json_is_true(json_object_get(guard, "is_ok")) ? "ok  " : "NO  ");
		put_cell(out, json_object_get(guard, "name"), NAME_WIDTH);
		reply_put_string(out, json_object_get(guard, "text"));
		buf_putc(out, '\n');
	}
}

/* `5s (settle of manager): the last task exited with 0 …` */
static void put_settle(struct buf *out, const json_t *settle)
{
	if (!json_is_object(settle))
		return;
	put_label(out, "settle");
	put_seconds(out, json_object_get(settle, "seconds"));
	buf_puts(out, " (");
	reply_put_string(out, json_object_get(settle, "key"));
	buf_puts(out, " of ");
	reply_put_string(out, json_object_get(settle, "from"));
	buf_puts(out, "): ");
	reply_put_string(out, json_object_get(settle, "why"));
	buf_putc(out, '\n');
}

static void put_would(struct buf *out, const json_t *would)
{
	const json_t *in = json_object_get(would, "in_s");

	if (!json_is_object(would))
		return;
	put_label(out, "next");
	reply_put_string(out, json_object_get(would, "text"));
	if (json_is_number(in)) {
		buf_puts(out, ", in ");
		put_seconds(out, in);
	}
	buf_putc(out, '\n');
}

void explain_put(struct buf *out, bool has_colour, const json_t *container)
{
	put_identity(out, container);
	put_state(out, container);
	put_init(out, json_object_get(container, "init"));
	put_last_exit(out, has_colour, container);
	put_policy(out, container);
	put_policies(out, json_object_get(container, "policies"));
	put_rejected_choice(out, json_object_get(container, "rejected_choice"));
	put_members(out, json_object_get(container, "members"));
	put_guards(out, json_object_get(container, "guards"));
	put_settle(out, json_object_get(container, "settle"));
	put_would(out, json_object_get(container, "would"));
}
