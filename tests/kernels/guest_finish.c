// SPDX-License-Identifier: Apache-2.0
/*
 * `lastout run` on many containers at once: each is finished once, when its last task has exited,
 * and as its policy says; those that are not to be touched live on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

enum {
	/* There before the agent. */
	EARLY,
	LATE_FOR_IT, /* its task is over before the agent comes */
	/* Finished when the first word is given. */
	WORK,
	CLONED,
	STUBBORN,
	DAEMON,
	HELPER,
	VFORK,
	TREE,
	STATUS,
	SPINNER,
	/* Held by something until the second word. */
	RESPAWN,
	THREADS,
	ENTERED,
	FROZEN,
	/* Never. */
	BYSTANDER,
	WATCHED,
	/* Comes last: when it is finished, the agent had its chance at all before it. */
	CANARY,
	BOX_COUNT,
};

/* id and life, name of init, and the code of the last task; -1: of no matter. */
static const struct plan {
	const char *id;
	const char *life;
	const char *name;
	int last_code;
} plans[BOX_COUNT] = {
	[EARLY] = {"early", "work", "manager", 7},
	[LATE_FOR_IT] = {"late-for-it", "work", "manager", -1},
	[WORK] = {"work", "work", "manager", 7},
	[CLONED] = {"cloned", "work", "manager", 7},
	[STUBBORN] = {"stubborn", "stubborn", "stubborn", 7},
	[DAEMON] = {"daemon", "daemon", "manager", 5},
	[HELPER] = {"helper", "helper", "manager", 8},
	[VFORK] = {"vfork", "vfork", "manager", 12},
	[TREE] = {"tree", "tree", "manager", 13},
	[STATUS] = {"status", "work", "status", 7},
	[SPINNER] = {"spinner", "spin", "spinner", 17},
	[RESPAWN] = {"respawn", "respawn", "manager", 6},
	[THREADS] = {"threads", "threads", "manager", 9},
	[ENTERED] = {"entered", "work", "manager", 7},
	[FROZEN] = {"frozen", "work", "manager", 7},
	[BYSTANDER] = {"bystander", "work", "manager", -1},
	[WATCHED] = {"watched", "work", "other", -1},
	[CANARY] = {"canary", "work", "manager", 7},
};

struct scene {
	const struct ground *ground;
	struct program agent;
	struct box boxes[BOX_COUNT];
};

static void make(struct scene *scene, int which)
{
	struct box *box = &scene->boxes[which];

	*box = (struct box){
		.id = plans[which].id,
		.life = plans[which].life,
		.name = plans[which].name,
		/* v1 has no CLONE_INTO_CGROUP. */
		.is_cloned_into = (which == CLONED || which == ENTERED) && !scene->ground->freezer,
	};
	box_make(box, scene->ground);
	box_await(box);
}

static bool await_finished(struct scene *scene, int which)
{
	return agent_await_finished(&scene->agent, &scene->boxes[which]);
}

/* All that holds is set up before the canary's task ends, and is still as it was afterwards. */
static void give_first_word(struct scene *scene)
{
	for (int which = EARLY; which <= FROZEN; which++)
		if (which != LATE_FOR_IT && which != THREADS)
			box_go(&scene->boxes[which]);
	box_go(&scene->boxes[WATCHED]);
	box_await_tasks_end(&scene->boxes[FROZEN]);
	box_freeze(&scene->boxes[FROZEN], scene->ground, true);
	box_await(&scene->boxes[RESPAWN]);
	for (int which = WORK; which <= SPINNER; which++)
		await_finished(scene, which);
	await_finished(scene, EARLY);
	make(scene, CANARY);
	box_go(&scene->boxes[CANARY]);
	await_finished(scene, CANARY);
	for (int which = RESPAWN; which <= WATCHED; which++)
		check(box_is_alive(&scene->boxes[which]), "%s: ended too early", plans[which].id);
	check(box_is_alive(&scene->boxes[LATE_FOR_IT]), "an unknown past was acted on");
}

static void give_second_word(struct scene *scene)
{
	box_go(&scene->boxes[RESPAWN]);
	box_go(&scene->boxes[THREADS]);
	box_leave(&scene->boxes[ENTERED]);
	box_freeze(&scene->boxes[FROZEN], scene->ground, false);
	for (int which = RESPAWN; which <= FROZEN; which++)
		await_finished(scene, which);
}

static void check_untouched(struct scene *scene, int which)
{
	check(box_is_alive(&scene->boxes[which]), "%s: does not live", plans[which].id);
	check(!agent_outcomes(&scene->agent, &scene->boxes[which], NULL, 0),
	      "%s: an outcome of one that was not to be touched", plans[which].id);
}

void test_finish(const struct ground *ground)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	char line[1024];
	unsigned lost;

	if (!scene)
		err(1, "memory");
	scene->ground = ground;
	make(scene, EARLY);
	make(scene, LATE_FOR_IT);
	box_go(&scene->boxes[LATE_FOR_IT]);
	box_await_tasks_end(&scene->boxes[LATE_FOR_IT]);
	agent_start(&scene->agent, "none");
	for (int which = WORK; which < CANARY; which++)
		make(scene, which);
	box_enter(&scene->boxes[ENTERED], ground);
	give_first_word(scene);
	give_second_word(scene);
	check(program_end(&scene->agent, SIGTERM) == 0, "agent: did not end well");

	for (int which = EARLY; which < BOX_COUNT; which++) {
		if (which == LATE_FOR_IT || which == BYSTANDER || which == WATCHED)
			check_untouched(scene, which);
		else
			agent_check_end(&scene->agent, &scene->boxes[which],
					plans[which].last_code);
	}
	lost = text_count(&scene->agent.err, "\"event\":\"lost\"", NULL, line, sizeof(line));
	/* The classic fork hook does not see CLONE_INTO_CGROUP: who entered so, and has not executed
	 * anything yet, is found by the last look, and counted then. */
	check(!lost || !ground_is_lossless() || (lost == 1 && strstr(line, "\"uncounted\":1}")),
	      "agent: %s", line);
	for (int which = EARLY; which < BOX_COUNT; which++)
		box_remove(&scene->boxes[which], ground);
	program_print_if_failed(&scene->agent);
	program_free(&scene->agent);
	free(scene);
}
