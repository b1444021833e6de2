// SPDX-License-Identifier: Apache-2.0
/* Recordings for `replay`: whatever is in one, it is played to its end, and forwards in time. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* What has been said so far. */
struct said {
	struct buf lines;
	uint64_t asked;
};

static void on_line(void *context, const struct replay_line *line)
{
	struct said *said = context;

	replay_line_text(&said->lines, line);
	replay_line_json(&said->lines, line);
	require(line->container->identity.id[0]);
	/* Nobody is asked while somebody is known to live. */
	if (line->what == REPLAY_SAYS_ASKED) {
		require(line->policy && line->policy->action == POLICY_FINISH);
		require(!line->container->counts.tasks);
		require(!line->policy->injected_holds || !line->container->counts.injected);
		said->asked++;
	}
	buf_reset(&said->lines);
}

/* One that limits; one that does not mind visitors. */
static void make_policies(struct policy_set *set)
{
	struct policy *policy;

	require(policy_set_init(set) == 0);
	require(policy_set_add(set, "first", &policy) == 0);
	policy->has_match = true;
	policy->limit = (struct policy_limit){2, 60ull * 1000000000};
	require(policy_globs_add(&policy->match[POLICY_INIT], "goproc") == 0);
	require(policy_set_add(set, "second", &policy) == 0);
	policy->has_match = true;
	policy->injected_holds = false;
	require(policy_globs_add(&policy->match[POLICY_RUNTIME], "runc") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_set set;
	struct said said = {0};
	struct replay_options options = {.policies = &set, .say = on_line, .context = &said};
	struct replay_totals totals = {0};
	struct error error;

	if (!size)
		return 0;
	make_policies(&set);
	options.file = fmemopen((void *)data, size, "r");
	require(options.file && replay_run(&options, &totals, &error) == 0);
	require(totals.asked == said.asked);
	require(totals.strange + totals.events + totals.dropped <= totals.lines);
	(void)fclose(options.file);
	buf_done(&said.lines);
	policy_set_done(&set);
	return 0;
}
