// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/escape.h"
#include "core/exit_status.h"
#include "out/container_json.h"
#include "out/event_text.h"
#include "replay/line.h"

static void put_state(struct buf *out, const struct replay_line *line)
{
	buf_printf(out, " is %s (%s", lifecycle_state_name(line->to),
		   lifecycle_event_name(line->why));
	if (line->why == LIFECYCLE_LAST_EXIT && line->container->last_task.is_known) {
		buf_puts(out, ": ");
		text_put_ended(out, &line->container->last_task);
	}
	buf_putc(out, ')');
}

/* ` (settle 1s after last task python3[4711] exited with 3)` */
static void put_settle(struct buf *out, const struct replay_line *line)
{
	char settle[DURATION_TEXT_SIZE];

	duration_format(line->settle_ns, settle, sizeof(settle));
	buf_printf(out, " (settle %s", settle);
	if (line->container->last_task.is_known) {
		buf_puts(out, " after last task ");
		text_put_ended(out, &line->container->last_task);
	} else if (ended_is_unseen(&line->container->last_task)) {
		buf_puts(out, " after a last task whose end was not seen");
	}
	buf_putc(out, ')');
}

static void put_policy(struct buf *out, const struct replay_line *line)
{
	const char *why = line->choice ? container_policy_why(line->choice) : NULL;

	buf_printf(out, "; policy %s", line->policy->name);
	if (why)
		buf_printf(out, " (%s)", why);
}

static void put_asked(struct buf *out, const struct replay_line *line)
{
	char signal[EXIT_STATUS_TEXT_SIZE];

	if (line->policy->status == POLICY_STATUS_SIGNAL) {
		signal_name(line->policy->signal, signal, sizeof(signal));
		buf_printf(out, " would be asked to end by %s", signal);
	} else if (ended_is_unseen(&line->container->last_task)) {
		buf_printf(out, " would be made to exit with %d", EXIT_STATUS_UNKNOWN);
	} else {
		buf_printf(out, " would be made to exit as its %s did",
			   line->policy->status == POLICY_STATUS_TASK ? "last task" :
									"first task that failed");
	}
	if (line->container->init.comm[0]) {
		buf_puts(out, ", init ");
		text_put_process(out, &line->container->init);
	}
	put_settle(out, line);
	put_policy(out, line);
	if (line->doubt)
		buf_printf(out, "; not certain: %s", line->doubt);
}

static void put_self(struct buf *out, const struct replay_line *line)
{
	buf_puts(out, " ended before it would be asked");
	if (line->container->init_exit.is_known) {
		buf_puts(out, ": init ");
		text_put_ended(out, &line->container->init_exit);
	}
	put_policy(out, line);
}

void replay_line_text(struct buf *out, const struct replay_line *line)
{
	const char *name = container_name(line->container);
	char time[40];

	clock_format_unix_rfc3339(line->time_ns, time, sizeof(time));
	buf_printf(out, "%.23sZ ", time);
	escape_text(out, name, strlen(name));
	switch (line->what) {
	case REPLAY_SAYS_STATE:
		put_state(out, line);
		break;
	case REPLAY_SAYS_ASKED:
		put_asked(out, line);
		break;
	case REPLAY_SAYS_LIMITED:
		buf_puts(out, " would be left alone: its workload was finished as often as "
			      "`limit` permits");
		put_policy(out, line);
		break;
	case REPLAY_SAYS_BLOCKED:
		buf_puts(out, " would be left alone: ");
		escape_text(out, line->doubt, strlen(line->doubt));
		put_policy(out, line);
		break;
	case REPLAY_SAYS_SELF:
		put_self(out, line);
		break;
	case REPLAY_SAYS_UNDECIDED:
		buf_printf(out,
			   " may be of policy %s: its `%s` matches or not, and the recording does "
			   "not tell",
			   line->policy->name, line->doubt);
		break;
	}
	buf_putc(out, '\n');
}
