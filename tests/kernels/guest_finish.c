// SPDX-License-Identifier: Apache-2.0
/*
 * `lastout run` on many containers at once: each is finished once, when its last task has exited,
 * and as its policy says; those that are not to be touched live on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "guest.h"

enum { INIT_CODE = 21 };

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
	[STUBBORN] = {"stubborn", "stubborn", "manager", 7},
	[DAEMON] = {"daemon", "daemon", "manager", 5},
	[HELPER] = {"helper", "helper", "manager", 8},
	[VFORK] = {"vfork", "vfork", "manager", 12},
	[TREE] = {"tree", "tree", "manager", 13},
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

static void start_agent(struct scene *scene)
{
	static const char *const argv[] = {LASTOUT,	"run",	 "--init", "manager", "--settle",
					   "1s",	"--log", "json",   "--grace", "500ms",
					   "--verbose", "--pin", "none",   NULL};

	program_start(&scene->agent, argv);
	check(program_await(&scene->agent, &scene->agent.err, "\"event\":\"ready\"", NULL),
	      "agent: not ready");
}

static const char *id_word(int which, char word[static 64])
{
	(void)snprintf(word, 64, "\"id\":\"%s\"", plans[which].id);
	return word;
}

static bool await_finished(struct scene *scene, int which)
{
	char word[64];

	return check(program_await(&scene->agent, &scene->agent.out, id_word(which, word),
				   "\"event\":\"finished\""),
		     "%s: not finished", plans[which].id);
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
	for (int which = WORK; which <= TREE; which++)
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

/* Init and the story of its end, against what wait4 says. */
static void check_end(struct scene *scene, int which)
{
	struct box *box = &scene->boxes[which];
	bool is_stubborn = which == STUBBORN;
	char line[2048] = "", word[64];
	const char *last_task;

	if (!check(text_count(&scene->agent.out, id_word(which, word), "\"event\":\"finished\"",
			      line, sizeof(line)) == 1,
		   "%s: not finished exactly once", plans[which].id))
		return;
	if (!check(box_await_end(box), "%s: said to be finished, but lives", plans[which].id))
		return;
	check(is_stubborn ? WIFSIGNALED(box->status) && WTERMSIG(box->status) == SIGKILL :
			    WIFEXITED(box->status) && WEXITSTATUS(box->status) == INIT_CODE,
	      "%s: init ended with wait status %d", plans[which].id, box->status);
	check(line_has(line, "how", is_stubborn ? "\"kill\"" : "\"signal\""), "%s: how: %s",
	      plans[which].id, line);
	last_task = strstr(line, "\"last_task\":");
	check(last_task && line_number(last_task, "exit_code", -1) == plans[which].last_code,
	      "%s: the last task: %s", plans[which].id, line);
}

static void check_untouched(struct scene *scene, int which)
{
	char word[64];

	check(box_is_alive(&scene->boxes[which]), "%s: does not live", plans[which].id);
	check(!text_count(&scene->agent.out, id_word(which, word), NULL, NULL, 0),
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
	start_agent(scene);
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
			check_end(scene, which);
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
