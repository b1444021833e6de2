// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

struct agent {
	struct follower_shared shared;
};

static void on_change(void *context, struct container *container, enum watch_change change)
{
	struct follower *follower = container->follower;
	struct agent *agent = context;

	if (!follower)
		follower = follower_new(&agent->shared, container);
	if (!follower) {
		log_message(LOG_LEVEL_ERROR, "memory",
			    "out of memory: a container is not followed");
		return;
	}
	follower_change(follower, change);
	if (change == WATCH_REMOVED)
		follower_free(follower);
}

static void on_exit_record(void *context, struct container *container,
			   const struct record_exit *record)
{
	(void)context;
	if (container && container->follower)
		follower_exit(container->follower, record);
}

int agent_new(const struct agent_options *options, struct agent **ret_agent, struct error *error)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	struct watch_options watch_options = {
		.settings = {.emit = EMIT_CHANGES, .is_wake = 1},
		.proc = "/proc",
		.run = "/run",
		.only = options->only,
		.drain_ms = options->drain_ms,
		.helpers = options->helpers,
		.observer = {.on_change = on_change, .on_exit = on_exit_record, .context = agent},
	};
	int err;

	if (!agent)
		return error_set(error, -ENOMEM, "out of memory");
	agent->shared = options->shared;
	err = watch_new(options->shared.base, &watch_options, &agent->shared.watch, error);
	if (!err)
		err = watch_start(agent->shared.watch, error);
	if (err) {
		agent_free(agent);
		return err;
	}
	*ret_agent = agent;
	return 0;
}

static void forget(void *context, struct container *container)
{
	(void)context;
	follower_free(container->follower);
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->shared.watch)
		watch_for_each(agent->shared.watch, forget, NULL);
	watch_free(agent->shared.watch);
	free(agent);
}

struct watch *agent_watch(struct agent *agent)
{
	return agent->shared.watch;
}
