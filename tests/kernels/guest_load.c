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
	struct box boxes[LOAD_BOXES] = {0};
	char ids[LOAD_BOXES][16];
	struct program agent;

	agent_start(&agent, "none");
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
	for (int i = 0; i < LOAD_BOXES; i++)
		agent_await_finished(&agent, &boxes[i]);
	check(program_end(&agent, SIGTERM) == 0, "agent: did not end well");
	check_lost(&agent);
	for (int i = 0; i < LOAD_BOXES; i++) {
		check(agent_outcomes(&agent, &boxes[i], NULL, 0) <= 1,
		      "%s: finished more than once", ids[i]);
		box_remove(&boxes[i], ground);
	}
	program_print_if_failed(&agent);
	program_free(&agent);
}
