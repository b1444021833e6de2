// SPDX-License-Identifier: Apache-2.0
/* In the shape of what the agent prints in a dry run, and as its socket tells states. */
#include <stdio.h>

#include "base/clock.h"
#include "core/exit_status.h"
#include "out/container_json.h"
#include "out/event_json.h"
#include "out/fields.h"
#include "replay/line.h"

static void put_head(struct json *json, const struct replay_line *line, const char *event)
{
	char time[40];

	clock_format_unix_rfc3339(line->time_ns, time, sizeof(time));
	json_string(json, "time", time);
	json_string(json, "event", event);
	fields_container(json, line->container);
	json_string(json, "policy", line->policy ? line->policy->name : NULL);
}

static void put_state(struct json *json, const struct replay_line *line)
{
	put_head(json, line, "state");
	json_string(json, "state", lifecycle_state_name(line->to));
	json_string(json, "from", lifecycle_state_name(line->from));
	json_string(json, "why", lifecycle_event_name(line->why));
	json_uint(json, "tasks_left", line->container->counts.tasks);
}

static void put_outcome(struct json *json, const struct replay_line *line)
{
	const struct container *container = line->container;
	char signal[EXIT_STATUS_TEXT_SIZE];
	bool is_self = line->what == REPLAY_SAYS_SELF;

	put_head(json, line, "finished");
	json_string(json, "how", outcome_how_name(is_self ? OUTCOME_SELF : OUTCOME_DRY_RUN));
	if (container->last_task.is_known)
		fields_ended(json, "last_task", &container->last_task);
	else
		json_null(json, "last_task");
	if (container->init_exit.is_known)
		fields_ended(json, "init", &container->init_exit);
	else
		fields_living(json, "init", &container->init);
	json_double(json, "settle_s", FIELDS_SECONDS(line->settle_ns), 3);
	json_null(json, "latency_us"); /* what it would have taken cannot be told */
	json_bool(json, "ordered", false);
	json_string(json, "policy_why", container_policy_why(line->choice));
	signal_name(line->policy->signal, signal, sizeof(signal));
	if (line->policy->status != POLICY_STATUS_SIGNAL)
		(void)snprintf(signal, sizeof(signal), "status");
	json_string(json, "ask", is_self ? NULL : signal);
	json_bool(json, "status_unknown", ended_is_unseen(&container->last_task));
	json_bool(json, "certain", !line->doubt);
	json_string(json, "doubt", line->doubt);
}

static void put_refused(struct json *json, const struct replay_line *line)
{
	put_head(json, line, "refused");
	json_string(json, "check", line->doubt ? "manager" : "limit");
	json_string(json, "reason", line->doubt ? line->doubt : "limit");
}

static void put_undecided(struct json *json, const struct replay_line *line)
{
	put_head(json, line, "undecided");
	json_string(json, "key", line->doubt);
}

void replay_line_json(struct buf *out, const struct replay_line *line)
{
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	switch (line->what) {
	case REPLAY_SAYS_STATE:
		put_state(&json, line);
		break;
	case REPLAY_SAYS_ASKED:
	case REPLAY_SAYS_SELF:
		put_outcome(&json, line);
		break;
	case REPLAY_SAYS_BLOCKED:
	case REPLAY_SAYS_LIMITED:
		put_refused(&json, line);
		break;
	case REPLAY_SAYS_UNDECIDED:
		put_undecided(&json, line);
		break;
	}
	json_object_end(&json);
	buf_putc(out, '\n');
}
