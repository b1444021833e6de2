// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/everybody.h"
#include "api/api.h"
#include "api/metrics_port.h"
#include "base/log.h"
#include "runtimes/state_file.h"

enum { AGENT_REREAD_MS = 60000 };

struct agent {
	struct agent_options options;
	struct follower_shared shared;
	struct api *api;	 /* NULL: no control socket */
	struct metrics *metrics; /* this and the next NULL: nobody asks */
	struct metrics_port *port;
	bool has_missed_suspects; /* told before there was anybody to look at them */
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
	if (change != WATCH_REMOVED)
		return;
	if (agent->api)
		api_removed(agent->api, container);
	follower_free(follower);
}

static void on_exit_record(void *context, struct container *container,
			   const struct record_exit *record)
{
	(void)context;
	if (container && container->follower)
		follower_exit(container->follower, record);
}

static void on_suspect(void *context, pid_t pid)
{
	struct agent *agent = context;

	if (agent->shared.sandboxes)
		sandboxes_suspect(agent->shared.sandboxes, pid);
	else
		agent->has_missed_suspects = true;
}

/* Whom the count has met; if they are too many, anybody. */
static void tell_suspects(struct agent *agent)
{
	if (!bpf_source_tell_suspects(watch_source(agent->shared.watch), on_suspect, agent))
		sandboxes_reread(agent->shared.sandboxes);
}

static void on_reread(void *context)
{
	struct agent *agent = context;

	if (!agent->shared.sandboxes)
		return;
	sandboxes_reread_states(agent->shared.sandboxes);
	tell_suspects(agent);
}

static void on_outcome(void *context, const struct outcome *outcome)
{
	struct agent *agent = context;

	metrics_outcome(agent->metrics, outcome);
	if (agent->options.on_outcome)
		agent->options.on_outcome(agent->options.context, outcome);
	if (agent->api)
		api_outcome(agent->api, outcome);
}

static void on_state(void *context, const struct container *container, enum lifecycle_state state)
{
	struct agent *agent = context;

	metrics_state(agent->metrics, container, state);
	if (agent->options.on_state)
		agent->options.on_state(agent->options.context, container, state);
	if (agent->api)
		api_state(agent->api, container, state);
}

static void on_refused(void *context, const struct container *container, const char *reason)
{
	struct agent *agent = context;

	if (agent->api)
		api_refused(agent->api, container, reason);
}

static void on_blocked(void *context, const struct container *container, const char *check)
{
	struct agent *agent = context;

	(void)container;
	metrics_blocked(agent->metrics, check);
}

/*
 * What the engine above runsc knows: Docker's or containerd's name, image, labels. Not of an id that
 * somebody chose: another runtime may have a container of that id, too.
 */
static int add_engines_word(const struct runtime_roots *roots, struct container *container)
{
	struct identity known = {.runtime = container->identity.runtime};
	int err;

	if (!state_id_is_generated(container->identity.id))
		return 0;
	memcpy(known.id, container->identity.id, sizeof(known.id));
	memcpy(known.pod_uid, container->identity.pod_uid, sizeof(known.pod_uid));
	/* Half of it is better than none: the engine has written this before it called runsc. */
	container->identity.unread.err = 0;
	if (runtime_state_read(roots, container->path, &known) == -EIO)
		container->identity.unread = known.unread;
	/* It is runsc's all the same; and whom the engine takes for init is the sandbox. */
	known.runtime = container->identity.runtime;
	err = identity_add(&container->identity, &known);
	identity_done(&known);
	return err;
}

static void identify_guest(struct agent *agent, struct container *container)
{
	const struct identity *known = sandboxes_identity(agent->shared.sandboxes, container);

	if (known && identity_add(&container->identity, known) == 0 &&
	    add_engines_word(&agent->options.roots, container) == 0)
		container->identified = container->identity.unread.err ? IDENTIFIED_PARTLY :
									 IDENTIFIED;
}

/* What happens in sandboxes is told in the same words. */
static void on_guest_change(void *context, struct container *container, enum gvisor_change change)
{
	static const enum watch_change changes[] = {
		[GVISOR_FOUND] = WATCH_FOUND,	[GVISOR_INIT] = WATCH_INIT,
		[GVISOR_TASK] = WATCH_TASK,	[GVISOR_IDLE] = WATCH_IDLE,
		[GVISOR_REREAD] = WATCH_REREAD, [GVISOR_REMOVED] = WATCH_REMOVED,
	};
	struct agent *agent = context;

	if (!agent->shared.sandboxes)
		return; /* the agent is ending */
	if (change == GVISOR_FOUND)
		identify_guest(agent, container);
	on_change(context, container, changes[change]);
}

static void on_guest_exit(void *context, struct container *container,
			  const struct gvisor_exit *exit)
{
	on_exit_record(context, container, &exit->record);
}

static int start_sandboxes(struct agent *agent, struct error *error)
{
	const struct agent_options *options = &agent->options;
	struct sandboxes_options sandboxes = {
		.proc = "/proc",
		.prefix = options->roots.root,
		.roots = options->roots.dirs[RUNTIME_DIR_RUNSC],
		.is_only = options->roots.dirs[RUNTIME_DIR_RUNSC] != NULL,
		.helpers = options->helpers,
		.socket = options->gvisor_socket,
		.observer = {.on_change = on_guest_change,
			     .on_exit = on_guest_exit,
			     .context = agent},
	};
	int err;

	if (options->only)
		return 0;
	err = sandboxes_new(options->base, &sandboxes, &agent->shared.sandboxes, error);
	if (err)
		return err;
	tell_suspects(agent);
	if (agent->has_missed_suspects)
		sandboxes_reread(agent->shared.sandboxes);
	return 0;
}

static int open_port(struct agent *agent, struct error *error)
{
	const struct agent_options *options = &agent->options;

	agent->metrics = metrics_new(&agent->shared, &options->build);
	if (!agent->metrics)
		return error_set(error, -ENOMEM, "out of memory");
	return metrics_port_new(options->base, options->metrics, agent->metrics, &agent->port,
				error);
}

static void log_place(void *context, const char *dir, int err)
{
	struct log_line line;

	(void)context;
	if (!err || err == -ENOENT)
		return;
	log_begin(
		&line, LOG_LEVEL_WARN, "state",
		"a place where runtimes keep state cannot be read: policies do not apply where they "
		"match by a name, label or namespace that may be there");
	log_string(&line, "path", dir);
	log_string(&line, "error", strerror(-err));
	log_end(&line);
}

/* With the rights that are left: what is unreadable now stays so. */
static int probe_state(const struct agent *agent, struct error *error)
{
	int err = runtime_state_probe(&agent->options.roots, log_place, NULL);

	return err ? error_set(error, err, "openat2: %s: %s", strerror(-err),
			       runtime_state_remedy) :
		     0;
}

static void on_probed(void *context, bool skips_btf)
{
	const struct agent *agent = context;

	if (agent->options.gives_up_rights && !skips_btf)
		rights_give_up_classic();
}

static int start(struct agent *agent, struct error *error)
{
	const struct agent_options *options = &agent->options;
	struct watch_options watch_options = {
		.settings = {.emit = EMIT_CHANGES, .is_wake = 1},
		.proc = "/proc",
		.roots = options->roots,
		.only = options->only,
		.drain_ms = options->drain_ms,
		.pin = options->pin,
		.is_pin_optional = options->is_pin_optional,
		.max_processes = options->max_processes,
		.max_containers = options->max_containers,
		.reread_ms = options->reread_ms ? options->reread_ms : AGENT_REREAD_MS,
		.helpers = options->helpers,
		.observer = {.on_change = on_change,
			     .on_exit = on_exit_record,
			     .on_suspect = on_suspect,
			     .on_reread = on_reread,
			     .on_probed = on_probed,
			     .context = agent},
	};
	int err = 0;

	agent->shared = (struct follower_shared){
		.base = options->base,
		.policies = policies_new(options->policies),
		.limiter = limiter_new(AGENT_WORKLOADS_MAX),
		.is_dry_run = options->is_dry_run,
		.dropped = options->dropped,
		.on_outcome = on_outcome,
		.on_state = on_state,
		.on_refused = on_refused,
		.on_blocked = on_blocked,
		.context = agent,
	};
	if (!agent->shared.policies || !agent->shared.limiter)
		return error_set(error, -ENOMEM, "out of memory");
	if (options->socket) /* first: a second agent is told before it loads anything */
		err = api_new(&agent->shared, options->build.version, options->socket, &agent->api,
			      error);
	if (!err && options->metrics)
		err = open_port(agent, error);
	if (!err)
		err = watch_new(options->base, &watch_options, &agent->shared.watch, error);
	/* From here on files are read that containers have written. */
	if (!err && options->gives_up_rights)
		err = rights_give_up(options->base, watch_source(agent->shared.watch),
				     &agent->shared.rights, error);
	if (!err)
		err = probe_state(agent, error);
	if (!err)
		err = watch_start(agent->shared.watch, error);
	if (!err)
		err = start_sandboxes(agent, error);
	if (!err)
		metrics_port_ready(agent->port);
	return err;
}

int agent_new(const struct agent_options *options, struct agent **ret_agent, struct error *error)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int err;

	if (!agent)
		return error_set(error, -ENOMEM, "out of memory");
	agent->options = *options;
	err = start(agent, error);
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
	struct sandboxes *sandboxes;

	if (!agent)
		return;
	metrics_port_free(agent->port);
	if (agent->shared.watch)
		everybody_for_each(&agent->shared, forget, NULL);
	sandboxes = agent->shared.sandboxes;
	agent->shared.sandboxes = NULL;
	sandboxes_free(sandboxes);
	watch_free(agent->shared.watch);
	metrics_free(agent->metrics);
	api_free(agent->api); /* last: the folder goes with its socket, if nothing else is there */
	limiter_free(agent->shared.limiter);
	policies_unref(agent->shared.policies);
	rights_free(agent->shared.rights);
	free(agent);
}

static void tell_policies_changed(void *context, struct container *container)
{
	(void)context;
	if (container->follower)
		follower_policies_changed(container->follower);
}

int agent_set_policies(struct agent *agent, struct policy_set *set)
{
	struct policies *policies = policies_new(set), *old = agent->shared.policies;

	if (!policies)
		return -ENOMEM;
	agent->shared.policies = policies;
	everybody_for_each(&agent->shared, tell_policies_changed, NULL);
	policies_unref(old);
	return 0;
}

int agent_set_helpers(struct agent *agent, const char *const *names, struct error *error)
{
	return watch_set_helpers(agent->shared.watch, names, error);
}

unsigned agent_container_count(const struct agent *agent)
{
	return everybody_count(&agent->shared);
}

const struct rights *agent_rights(const struct agent *agent)
{
	return agent->shared.rights;
}

struct watch *agent_watch(struct agent *agent)
{
	return agent->shared.watch;
}
