/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: follows each container through its life and finishes those that the policies speak
 * of. The one place that knows everybody.
 */
#pragma once

#include "agent/follower.h"
#include "agent/watch.h"
#include "api/metrics.h"
#include "base/error.h"

struct agent;

struct agent_options {
	struct event_base *base;
	struct policy_set *policies; /* taken over, and left empty */
	bool is_dry_run;
	const char *gvisor_socket;  /* where sandboxes connect that begin with events; NULL: none */
	const char *socket;	    /* of the control socket; NULL: none */
	const char *metrics;	    /* ADDRESS:PORT of metrics and health; NULL: none */
	struct metrics_build build; /* what they say of this program */
	struct runtime_roots roots; /* this and the next three as in watch_options */
	const char *only;
	uint64_t drain_ms;
	const char *pin; /* this and the next three, too */
	bool is_pin_optional;
	unsigned max_processes;
	unsigned max_containers;
	uint64_t reread_ms; /* read everything again so often; 0: each minute */
	const char *const *helpers;
	struct dropped_lines dropped; /* for metrics and `GET /v1/agent`; optional */
	bool gives_up_rights;	      /* once the programs are loaded: see agent/privileges.h */
	/* What happens, for whoever runs the agent: see struct follower_shared. Optional. */
	void (*on_outcome)(void *context, const struct outcome *outcome);
	void (*on_state)(void *context, const struct container *container,
			 enum lifecycle_state state);
	void *context;
};

/* From its return on, containers are finished whenever the event base runs. */
int agent_new(const struct agent_options *options, struct agent **ret_agent, struct error *error);
void agent_free(struct agent *agent);

/* Other policies from now on; the set is taken over. -ENOMEM: the old ones stay in force. */
int agent_set_policies(struct agent *agent, struct policy_set *set);

/* See watch_set_helpers. */
int agent_set_helpers(struct agent *agent, const char *const *names, struct error *error);

unsigned agent_container_count(const struct agent *agent);
/* NULL: none were given up. */
const struct rights *agent_rights(const struct agent *agent);
struct watch *agent_watch(struct agent *agent);
