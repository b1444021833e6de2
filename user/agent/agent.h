/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: follows each container through its life and finishes those that the policy speaks
 * of. The one place that knows everybody.
 */
#pragma once

#include "agent/follower.h"
#include "agent/watch.h"
#include "base/error.h"

struct agent;

struct agent_options {
	struct follower_shared shared; /* all but the watch, which the agent makes */
	const char *only;	       /* NULL, or the one cgroup to watch */
	uint64_t drain_ms;	       /* this and the next as in watch_options */
	const char *const *helpers;
};

/* From its return on, containers are finished whenever the event base runs. */
int agent_new(const struct agent_options *options, struct agent **ret_agent, struct error *error);
void agent_free(struct agent *agent);

struct watch *agent_watch(struct agent *agent);
