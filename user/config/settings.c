// SPDX-License-Identifier: Apache-2.0
#include "config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "config/value.h"
#include "core/exit_status.h"
#include "core/policy.h"

enum { LIMIT_COUNT_MAX = 1000 };

int setting_settle(const struct report *report, const struct tree *value, int index, void *policy)
{
	(void)index;
	((struct policy *)policy)->has_settle = true;
	return value_duration(report, value, &((struct policy *)policy)->timing.settle_ns);
}

int setting_grace(const struct report *report, const struct tree *value, int index, void *policy)
{
	(void)index;
	return value_duration(report, value, &((struct policy *)policy)->timing.grace_ns);
}

int setting_restart_settle(const struct report *report, const struct tree *value, int index,
			   void *policy)
{
	(void)index;
	((struct policy *)policy)->has_restart_settle = true;
	return value_duration(report, value, &((struct policy *)policy)->restart_settle_ns);
}

int setting_signal(const struct report *report, const struct tree *value, int index, void *policy)
{
	const char *text = value_text(report, value);
	int signal;

	(void)index;
	if (!text)
		return -EINVAL;
	signal = signal_parse(text);
	if (signal < 0)
		return report_at(report, value->place,
				 "'%.60s' is no signal; write one like TERM, INT or RTMIN+3", text);
	((struct policy *)policy)->signal = signal;
	return 0;
}

int setting_status(const struct report *report, const struct tree *value, int index, void *policy)
{
	static const char *const words[] = {
		[POLICY_STATUS_SIGNAL] = "signal",
		[POLICY_STATUS_TASK] = "task",
		[POLICY_STATUS_WORST] = "worst",
		NULL,
	};
	int chosen, err = value_word(report, value, words, &chosen);

	(void)index;
	if (!err)
		((struct policy *)policy)->status = (enum policy_status)chosen;
	return err;
}

int setting_injected(const struct report *report, const struct tree *value, int index, void *policy)
{
	static const char *const words[] = {"ignore", "hold", NULL};
	int chosen, err = value_word(report, value, words, &chosen);

	(void)index;
	if (!err)
		((struct policy *)policy)->injected_holds = chosen;
	return err;
}

int setting_host_pid(const struct report *report, const struct tree *value, int index, void *policy)
{
	static const char *const words[] = {"refuse", "allow", NULL};
	int chosen, err = value_word(report, value, words, &chosen);

	(void)index;
	if (!err)
		((struct policy *)policy)->host_pid_allowed = chosen;
	return err;
}

/* `3/20m` */
static bool parse_limit(const char *text, struct policy_limit *ret_limit)
{
	struct policy_limit limit;
	unsigned long count;
	char *rest;

	if (text[0] < '0' || text[0] > '9')
		return false;
	count = strtoul(text, &rest, 10);
	if (count < 1 || count > LIMIT_COUNT_MAX || *rest != '/' ||
	    duration_parse(rest + 1, &limit.window_ns) < 0 || !limit.window_ns)
		return false;
	limit.count = (unsigned)count;
	*ret_limit = limit;
	return true;
}

int setting_limit(const struct report *report, const struct tree *value, int index, void *policy)
{
	struct policy_limit limit = {0};
	const char *text = value_text(report, value);

	(void)index;
	if (!text)
		return -EINVAL;
	if (strcmp(text, "none") != 0 && !parse_limit(text, &limit))
		return report_at(
			report, value->place,
			"'%.60s' is no limit; write none, or one like 3/20m: so many (1 to "
			"%d) in so long a time",
			text, LIMIT_COUNT_MAX);
	((struct policy *)policy)->limit = limit;
	return 0;
}

static int check_code(const struct report *report, const struct tree *item, void *policy)
{
	uint64_t code;

	(void)policy;
	return value_number(report, item, 0, 255, &code);
}

/* Until 0.1 it said after which exit codes `restart_settle` was used. */
int setting_restart_codes(const struct report *report, const struct tree *value, int index,
			  void *policy)
{
	int err = value_each(report, value, check_code, policy);

	(void)index;
	if (err)
		return err;
	return report_warn(report, value->place,
			   "restart_codes has no effect any more, and will be an error: "
			   "restart_settle is used after every task that failed or lived for less "
			   "than a second");
}
