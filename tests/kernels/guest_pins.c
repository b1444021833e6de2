// SPDX-License-Identifier: Apache-2.0
/*
 * What is pinned counts on without an agent: it is killed, or asked to end, and the next one acts on
 * all that happened meanwhile, also in a container that no agent has seen at work.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define PINS "/sys/fs/bpf/lastout"

enum { LAST_CODE = 7 };

/* id, and when its only task ends. */
enum {
	KILLED,	  /* after the agent was killed */
	UNSEEN,	  /* made, and over, without an agent */
	TERMED,	  /* after the agent was asked to end */
	GOING_ON, /* when there is one again: the count of before still holds */
	PINNED_COUNT,
};

static struct box boxes[PINNED_COUNT];

static void make(int which, const char *id, const struct ground *ground)
{
	boxes[which] = (struct box){.id = id, .life = "work", .name = "manager"};
	box_make(&boxes[which], ground);
	box_await(&boxes[which]);
}

static void end_task(int which)
{
	box_go(&boxes[which]);
	box_await_tasks_end(&boxes[which]);
}

static void await_end(struct program *agent, int which)
{
	agent_await_finished(agent, &boxes[which]);
	agent_check_end(agent, &boxes[which], LAST_CODE);
}

static void end_agent(struct program *agent, int how)
{
	int status = program_end(agent, how);

	if (how == SIGKILL)
		check(WIFSIGNALED(status), "agent: wait status %d", status);
	else
		check(status == 0, "agent: did not end well, wait status %d", status);
	check((access(PINS, F_OK) == 0) == (how != SIGINT), "pins: %s after signal %d",
	      how == SIGINT ? "there" : "not there", how);
	program_print_if_failed(agent);
	program_free(agent);
}

void test_pins(const struct ground *ground)
{
	struct program agent;

	agent_start(&agent, PINS);
	make(KILLED, "killed", ground);
	make(TERMED, "termed", ground);
	make(GOING_ON, "going-on", ground);
	for (int which = 0; which < PINNED_COUNT; which++)
		if (which != UNSEEN)
			agent_await_working(&agent, &boxes[which]);
	end_agent(&agent, SIGKILL);
	end_task(KILLED);
	make(UNSEEN, "unseen", ground);
	end_task(UNSEEN);

	agent_start(&agent, PINS);
	await_end(&agent, KILLED);
	await_end(&agent, UNSEEN);
	end_agent(&agent, SIGTERM);
	end_task(TERMED);

	agent_start(&agent, PINS);
	await_end(&agent, TERMED);
	check(box_is_alive(&boxes[GOING_ON]), "going-on: ended too early");
	end_task(GOING_ON);
	await_end(&agent, GOING_ON);
	end_agent(&agent, SIGINT);
	for (int which = 0; which < PINNED_COUNT; which++)
		box_remove(&boxes[which], ground);
}
