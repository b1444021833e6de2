// SPDX-License-Identifier: Apache-2.0
#include "out/policy_text.h"

#include <string.h>

#include "base/duration.h"
#include "base/escape.h"
#include "core/exit_status.h"

static void put_globs(struct buf *out, const struct policy_globs *globs)
{
	for (size_t i = 0; i < globs->count; i++) {
		buf_puts(out, i ? " or " : " is ");
		escape_quoted(out, globs->globs[i], strlen(globs->globs[i]));
	}
}

static void put_and(struct buf *out, size_t before)
{
	if (out->len > before)
		buf_puts(out, ", and ");
}

static void put_keys(struct buf *out, const struct policy *policy)
{
	size_t before = out->len;

	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		if (!policy->match[key].count)
			continue;
		put_and(out, before);
		buf_puts(out, policy_key_name(key));
		put_globs(out, &policy->match[key]);
	}
	for (enum policy_pair_key key = 0; key < POLICY_PAIR_KEY_COUNT; key++) {
		for (size_t i = 0; i < policy->pairs[key].count; i++) {
			const struct policy_pair *pair = &policy->pairs[key].pairs[i];

			put_and(out, before);
			buf_printf(out, "%s ", policy_pair_key_name(key));
			escape_quoted(out, pair->key, strlen(pair->key));
			put_globs(out, &pair->values);
		}
	}
}

void text_put_match(struct buf *out, const struct policy *policy)
{
	if (policy->is_for_choice) {
		buf_puts(out, policy->has_match ? "if chosen, and " : "if chosen");
		if (policy->has_match)
			put_keys(out, policy);
		return;
	}
	if (policy->has_match)
		put_keys(out, policy);
	if (policy->is_selectable)
		buf_puts(out, policy->has_match ? ", or if chosen" : "if chosen");
	else if (!policy->has_match)
		buf_puts(out, "never");
}

static void put_duration(struct buf *out, const char *before, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	duration_format(ns, text, sizeof(text));
	buf_printf(out, "%s%s", before, text);
}

/* Without one of its own, that of the process manager's row comes first. */
static void put_settle(struct buf *out, const char *before, uint64_t ns, bool is_own)
{
	put_duration(out, before, ns);
	if (!is_own)
		buf_puts(out, " or its manager's");
}

void text_put_action(struct buf *out, const struct policy *policy)
{
	char name[EXIT_STATUS_TEXT_SIZE];

	buf_puts(out, policy_action_name(policy->action));
	if (policy->action != POLICY_FINISH)
		return;
	signal_name(policy->signal, name, sizeof(name));
	put_settle(out, ": settle ", policy->timing.settle_ns, policy->has_settle);
	put_settle(out, ", restart_settle ", policy->restart_settle_ns, policy->has_restart_settle);
	buf_printf(out, ", %s", name);
	put_duration(out, ", grace ", policy->timing.grace_ns);
	if (policy->status != POLICY_STATUS_SIGNAL)
		buf_printf(out, ", status %s", policy_status_name(policy->status));
	if (policy->limit.count) {
		buf_printf(out, ", limit %u", policy->limit.count);
		put_duration(out, "/", policy->limit.window_ns);
	}
	if (!policy->injected_holds)
		buf_puts(out, ", injected ignored");
	if (policy->host_pid_allowed)
		buf_puts(out, ", host_pid allowed");
}
