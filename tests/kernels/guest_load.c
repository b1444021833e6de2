// SPDX-License-Identifier: Apache-2.0
/*
 * From 7.1 on (7.0 with full preemption) the kernel leaves out a run of a BTF hook now and then,
 * when it is busy. Containers whose tasks make it so must end all the same: what was left out is
 * counted, and made good.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "guest.h"

enum { LOAD_BOXES = 8 };

static void check_lost(const struct program *agent)
{
	const char *place = agent->err.bytes;
	unsigned long lost = 0;
	char line[2048];

	while (text_next(&place, line, sizeof(line)))
		if (line_has(line, "event", "\"lost\""))
			lost += (unsigned long)(line_number(line, "skipped", 0) +
						line_number(line, "stale", 0));
	printf("load: the agent counted %lu runs left out or records lost\n", lost);
}

void test_load(const struct ground *ground)
{
	static const char *const argv[] = {LASTOUT, "run",   "--init", "manager", "--settle",
					   "500ms", "--log", "json",   "--grace", "500ms",
					   "--pin", "none",  NULL};
	struct box boxes[LOAD_BOXES] = {0};
	char ids[LOAD_BOXES][16], word[160];
	struct program agent;

	program_start(&agent, argv);
	check(program_await(&agent, &agent.err, "\"event\":\"ready\"", NULL), "agent: not ready");
	for (int i = 0; i < LOAD_BOXES; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "churn-%d", i);
		boxes[i] = (struct box){.id = ids[i], .life = "churn", .name = "manager"};
		box_make(&boxes[i], ground);
		box_await(&boxes[i]);
	}
	for (int i = 0; i < LOAD_BOXES; i++)
		box_go(&boxes[i]);
	for (int i = 0; i < LOAD_BOXES; i++)
		box_await_tasks_end(&boxes[i]);
	for (int i = 0; i < LOAD_BOXES; i++) {
		(void)snprintf(word, sizeof(word), "\"id\":\"%s\"", ids[i]);
		check(program_await(&agent, &agent.out, word, "\"event\":\"finished\""),
		      "%s: not finished", ids[i]);
	}
	check(program_end(&agent, SIGTERM) == 0, "agent: did not end well");
	check_lost(&agent);
	for (int i = 0; i < LOAD_BOXES; i++) {
		(void)snprintf(word, sizeof(word), "\"id\":\"%s\"", ids[i]);
		check(text_count(&agent.out, word, "\"event\":\"finished\"", NULL, 0) <= 1,
		      "%s: finished more than once", ids[i]);
		box_remove(&boxes[i], ground);
	}
	program_print_if_failed(&agent);
	program_free(&agent);
}
