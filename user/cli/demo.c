// SPDX-License-Identifier: Apache-2.0
/* `lastout demo`: the whole story on a container of its own. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/demo_container.h"
#include "cli/loop.h"
#include "core/exit_status.h"
#include "out/event_text.h"

enum { DEMO_TIMEOUT_S = 20, DEMO_DRAIN_MS = 50, DEMO_SETTLE_MS = 1000 };

struct demo {
	uint64_t start_ns;
	struct demo_container container;
	struct policy_set policies;
	struct loop loop;
	struct agent *agent;
	bool is_finished;
};

static const struct option_row options[] = {{0}};

static void tell(const struct demo *demo, uint64_t at_ns, const char *text)
{
	printf("%7.3f s  %s\n", (double)(at_ns - demo->start_ns) / NS_PER_SEC, text);
	(void)fflush(stdout);
}

/* Names in the story are the demo's own; they are escaped all the same, as everywhere. */
static void tell_process(const struct demo *demo, uint64_t at_ns, const struct process *process,
			 const char *what)
{
	struct buf line = {0};

	text_put_process(&line, process);
	buf_puts(&line, what);
	if (line.data)
		tell(demo, at_ns, line.data);
	buf_done(&line);
}

static void tell_last_exit(const struct demo *demo, const struct ended *task)
{
	char status[EXIT_STATUS_TEXT_SIZE], text[160];

	exit_status_text(task->status, status, sizeof(status));
	(void)snprintf(text, sizeof(text),
		       " exited with %s: the last exit. PID 1 lives on; settle begins", status);
	tell_process(demo, task->time_ns, &task->process, text);
}

static void on_state(void *context, const struct container *container, enum lifecycle_state state)
{
	struct demo *demo = context;

	switch (state) {
	case LIFECYCLE_WORKING:
		tell_process(demo, clock_boot_ns(), &container->init,
			     " is PID 1 of the container; its task is at work");
		return;
	case LIFECYCLE_SETTLING:
		if (container->last_task.is_known)
			tell_last_exit(demo, &container->last_task);
		return;
	case LIFECYCLE_STOPPING:
		tell_process(demo, clock_boot_ns(), &container->init,
			     " is alone: looked at again, and asked to end by SIGTERM");
		return;
	case LIFECYCLE_KILLING:
		tell_process(demo, clock_boot_ns(), &container->init, " is killed");
		return;
	default:
		return;
	}
}

static void on_outcome(void *context, const struct outcome *outcome)
{
	struct demo *demo = context;
	const struct ended *init = &outcome->container->init_exit;
	char status[EXIT_STATUS_TEXT_SIZE] = "?", latency[DURATION_TEXT_SIZE], text[160];

	if (init->is_known)
		exit_status_text(init->status, status, sizeof(status));
	duration_format(outcome->latency_ns - outcome->settle_ns, latency, sizeof(latency));
	(void)snprintf(text, sizeof(text),
		       " ended (exit %s), and the container with it: %s of lastout's own after "
		       "settle",
		       status, latency);
	tell_process(demo, init->is_known ? init->time_ns : clock_boot_ns(),
		     &outcome->container->init, text);
	demo->is_finished = true;
	(void)event_base_loopbreak(demo->loop.base);
}

static int play(struct demo *demo, struct error *error)
{
	struct agent_options options = {
		.policies = &demo->policies,
		.roots = {.root = ""},
		.on_outcome = on_outcome,
		.on_state = on_state,
		.context = demo,
	};
	struct timeval timeout = {DEMO_TIMEOUT_S, 0};
	struct hierarchy hierarchy;
	int err;

	err = hierarchy_detect("/proc", &hierarchy, error);
	if (!err)
		err = loop_init(&demo->loop, error);
	if (!err)
		err = loop_end_on(&demo->loop, SIGHUP, error);
	if (!err)
		err = demo_container_make(&demo->container, &hierarchy, error);
	if (err)
		return err;
	options.base = demo->loop.base;
	options.only = demo->container.path;
	options.drain_ms = DEMO_DRAIN_MS; /* a first task wakes nobody, but is part of the story */
	err = agent_new(&options, &demo->agent, error);
	if (err)
		return err;
	demo->start_ns = clock_boot_ns();
	tell(demo, demo->start_ns, "a container is made: namespaces and a cgroup");
	err = demo_container_start(&demo->container, error);
	if (err)
		return err;
	if (event_base_loopexit(demo->loop.base, &timeout) < 0)
		return error_set(error, -ENOMEM, "cannot set a timer");
	(void)event_base_dispatch(demo->loop.base);
	if (!demo->is_finished && event_base_got_exit(demo->loop.base))
		return error_set(error, -ETIMEDOUT, "the container has not ended after %d s",
				 DEMO_TIMEOUT_S);
	return 0;
}

/* For a manager of the name of goproc; its task is short, and not started again. */
static int make_policy(struct policy_set *set)
{
	struct policy *policy;
	int err = policy_set_init(set);

	if (!err)
		err = policy_set_add(set, "demo", &policy);
	if (err)
		return err;
	policy->has_match = policy->has_settle = policy->has_restart_settle = true;
	policy->timing.settle_ns = policy->restart_settle_ns = DEMO_SETTLE_MS * NS_PER_MS;
	return policy_globs_add(&policy->match[POLICY_INIT], "goproc");
}

static int run(const struct command *command, int argc, char **argv)
{
	struct demo demo = {.container = {.release = -1, .lock = -1}};
	struct error error;
	int status = EXIT_DONE, ended_by;

	if (!options_parse(command, argc, argv, NULL, &status))
		return status;
	status = EXIT_FAILED;
	if (geteuid() != 0)
		complain(command->name, "it needs root: sudo lastout demo");
	else if (make_policy(&demo.policies) < 0)
		complain(command->name, "out of memory");
	else if (play(&demo, &error) < 0)
		complain(command->name, error.text);
	else
		status = EXIT_DONE;
	ended_by = demo.loop.ended_by;
	agent_free(demo.agent);
	demo_container_remove(&demo.container);
	loop_done(&demo.loop);
	policy_set_done(&demo.policies);
	if (status == EXIT_DONE && ended_by)
		return 128 + ended_by;
	if (status == EXIT_DONE && demo.is_finished)
		printf("\nThat is what `lastout run --init goproc` does for every container.\n");
	return status;
}

const struct command command_demo = {
	.name = "demo",
	.summary = "the whole story on a container of its own",
	.about = "Makes a small container of its own, lets its task exit, and shows how its\n"
		 "leftover PID 1 ends, with times. Leaves nothing behind. Killed by SIGKILL, it\n"
		 "leaves an empty cgroup, which the next demo removes.",
	.options = options,
	.run = run,
};
