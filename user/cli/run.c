// SPDX-License-Identifier: Apache-2.0
/* `lastout run`: the agent, in the foreground. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/journal.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/loop.h"
#include "cli/run_options.h"
#include "cli/run_output.h"
#include "cli/service.h"
#include "cli/version.h"
#include "host/scheduling.h"
#include "out/event_text.h"

/* What nobody must act on wakes nobody; a log that tells everything is to be current, though. */
enum { RUN_VERBOSE_DRAIN_MS = 50 };

struct run {
	struct run_options options;
	struct config config;
	char gvisor_socket[108]; /* as long as a socket's path may be */
	struct loop loop;
	struct run_output output;
	struct event *reload;
	struct agent *agent;
	struct service service;
};

static void on_outcome(void *context, const struct outcome *outcome)
{
	struct run *run = context;
	struct buf line = {0};

	if (run->options.is_json)
		event_json_outcome(&line, outcome);
	else if (journal_has(STDOUT_FILENO))
		text_put_outcome_for_journal(&line, outcome);
	else
		text_put_outcome(&line, outcome);
	run_output_outcome(&run->output, &line);
	buf_done(&line);
}

/* --- SIGHUP --- */

static void log_reload(enum log_level level, const char *message, const char *key,
		       const char *value)
{
	struct log_line line;

	log_begin(&line, level, "reload", message);
	log_string(&line, key, value);
	log_end(&line);
}

static bool is_same(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool has_same_dirs(const struct config *old, const struct config *new)
{
	for (int i = 0; i < CONFIG_RUNTIME_COUNT; i++) {
		char **a = old->state_dirs[i], **b = new->state_dirs[i];

		for (; a && b && *a && *b && strcmp(*a, *b) == 0; a++, b++)
			;
		if ((a && *a) || (b && *b) || (!a != !b))
			return false;
	}
	return true;
}

/* What a running agent cannot change is said, not passed over. */
static void warn_of_fixed(const struct config *old, const struct config *new)
{
	const struct {
		const char *key;
		bool is_changed;
	} fixed[] = {
		{"socket", !is_same(old->socket, new->socket)},
		{"pin", !is_same(old->pin, new->pin)},
		{"metrics", !is_same(old->metrics, new->metrics)},
		{"max_processes", old->max_processes != new->max_processes},
		{"max_containers", old->max_containers != new->max_containers},
		{"state_dirs", !has_same_dirs(old, new)},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (fixed[i].is_changed)
			log_reload(LOG_LEVEL_WARN, "a setting changes with the next start only",
				   "key", fixed[i].key);
	}
}

static void warn_of_config(const struct config *config)
{
	for (char **warning = config->warnings; warning && *warning; warning++)
		log_message(LOG_LEVEL_WARN, "config", *warning);
}

static void reload(struct run *run)
{
	struct config config;
	struct error error;
	int err;

	if (!run->options.config_path) {
		log_message(LOG_LEVEL_WARN, "reload",
			    "no configuration file is in use: nothing to reload");
		return;
	}
	err = run_options_load(&run->options, &config, &error);
	if (err) {
		log_reload(LOG_LEVEL_ERROR, "the configuration stays as it was", "error",
			   error.text);
		return;
	}
	warn_of_config(&config);
	warn_of_fixed(&run->config, &config);
	err = agent_set_helpers(run->agent, (const char *const *)config.helpers, &error);
	if (!err && agent_set_policies(run->agent, &config.policies) < 0)
		err = error_set(&error, -ENOMEM, "out of memory");
	if (err)
		log_reload(LOG_LEVEL_ERROR, "the policies stay as they were", "error", error.text);
	else
		log_reload(LOG_LEVEL_INFO, "the configuration was read again", "file",
			   run->options.config_path);
	config_done(&config);
}

static void on_reload(evutil_socket_t signal, short what, void *context)
{
	(void)signal;
	(void)what;
	service_reloading();
	reload(context);
	service_reloaded(); /* whether it went well is in the log: with the old policies it goes on */
}

/* --- start and end --- */

/* Beside the control socket; what `lastout gvisor-config` names by default. */
static void name_gvisor_socket(struct run *run)
{
	const char *slash = strrchr(run->config.socket, '/');

	(void)snprintf(run->gvisor_socket, sizeof(run->gvisor_socket), "%.*s/gvisor.sock",
		       (int)(slash - run->config.socket), run->config.socket);
}

/* For tests, which cannot wait for a minute: how often everything is read again, such as 200ms. */
static uint64_t reread_ms(void)
{
	const char *text = getenv("LASTOUT_REREAD");
	uint64_t ns;

	return text && duration_parse(text, &ns) == 0 ? ns / NS_PER_MS : 0;
}

static int start(struct run *run, struct error *error)
{
	struct agent_options options = {
		.policies = &run->config.policies,
		.is_dry_run = run->options.is_dry_run,
		.socket = run->config.socket,
		.gvisor_socket = run->gvisor_socket,
		.metrics = run->config.metrics,
		.build = {.version = version_number, .build = version_build},
		.helpers = (const char *const *)run->config.helpers,
		.pin = strcmp(run->config.pin, "none") == 0 ? NULL : run->config.pin,
		.is_pin_optional = !run->options.pin,
		.max_processes = run->config.max_processes,
		.max_containers = run->config.max_containers,
		.reread_ms = reread_ms(),
		.gives_up_rights = !run->options.keeps_rights,
		.dropped = {.outcomes = &run->output.outcomes.output.dropped,
			    .log = &run->output.log.output.dropped},
		.on_outcome = on_outcome,
		.context = run,
	};
	int err;

	for (int i = 0; i < RUNTIME_DIR_COUNT; i++)
		options.roots.dirs[i] = (const char *const *)run->config.state_dirs[i];
	options.roots.root = "";
	name_gvisor_socket(run);
	if (geteuid() != 0)
		return error_set(error, -EPERM, "it needs root: sudo lastout run");
	err = loop_init(&run->loop, error);
	if (err)
		return err;
	err = run_output_start(&run->output, run->loop.base, error);
	if (err)
		return err;
	run->reload = evsignal_new(run->loop.base, SIGHUP, on_reload, run);
	if (!run->reload || event_add(run->reload, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	options.base = run->loop.base;
	if (run->options.is_verbose)
		options.drain_ms = RUN_VERBOSE_DRAIN_MS;
	scheduling_take_precedence(); /* before the right to is given up */
	return agent_new(&options, &run->agent, error);
}

static void put_rights(struct log_line *line, const struct rights *rights)
{
	char capabilities[CAPABILITIES_TEXT_SIZE] = "kept, as asked for";

	if (rights)
		capabilities_put(rights_capabilities(rights), capabilities, sizeof(capabilities));
	log_string(line, "capabilities", capabilities);
	log_string(line, "system_calls", rights && rights_has_filter(rights) ? "filtered" : "all");
}

static void log_ready(const struct run *run, size_t policy_count)
{
	struct watch *watch = agent_watch(run->agent);
	struct log_line line;
	char hierarchy[600];

	hierarchy_describe(watch_hierarchy(watch), hierarchy, sizeof(hierarchy));
	log_begin(&line, LOG_LEVEL_INFO, "ready",
		  policy_count ? "watching" :
				 "watching only: without a policy nothing is finished");
	log_uint(&line, "containers", agent_container_count(run->agent));
	log_uint(&line, "policies", policy_count);
	log_string(&line, "config", run->options.config_path);
	log_string(&line, "socket", run->config.socket);
	log_string(&line, "metrics", run->config.metrics);
	log_string(&line, "pins", bpf_source_pins(watch_source(watch)));
	log_string(&line, "hooks", bpf_source_variant(watch_source(watch)));
	log_string(&line, "cgroups", hierarchy);
	put_rights(&line, agent_rights(run->agent));
	log_end(&line);
}

static int serve(struct run *run, struct error *error)
{
	size_t policy_count;
	int err = run_options_load(&run->options, &run->config, error);

	if (err)
		return err;
	warn_of_config(&run->config);
	policy_count = run->config.policies.count;
	err = start(run, error);
	if (err)
		return err;
	(void)malloc_trim(0); /* loading read the kernel's types: megabytes */
	log_ready(run, policy_count);
	err = service_ready(&run->service, run->loop.base, error);
	if (err)
		return err;
	(void)event_base_dispatch(run->loop.base);
	service_stopping();
	/* Ctrl-C is a person's end of it all; a service that is stopped is started again. */
	if (run->loop.ended_by == SIGINT)
		watch_remove_pins(agent_watch(run->agent));
	return 0;
}

static int unpin(struct run *run, struct error *error)
{
	const char *directory = run->options.pin;
	unsigned count;
	int err;

	/* With --pin the configuration has no say, and a broken one does not keep the pins. */
	if (!directory) {
		err = run_options_load(&run->options, &run->config, error);
		if (err)
			return err;
		directory = run->config.pin;
	}
	if (geteuid() != 0)
		return error_set(error, -EPERM, "it needs root: sudo lastout run --unpin");
	if (strcmp(directory, "none") == 0)
		return error_set(error, -EINVAL, "`pin: none`: there is no place to look at");
	err = bpf_source_unpin(directory, &count, error);
	if (!err)
		printf("%u set%s of pins removed from %s\n", count, count == 1 ? "" : "s",
		       directory);
	return err;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct run run = {0};
	struct error error;
	int status, err;

	if (run_options_init(&run.options) < 0) {
		complain(command->name, "out of memory");
		return EXIT_FAILED;
	}
	if (!options_parse(command, argc, argv, &run.options, &status)) {
		run_options_done(&run.options);
		return status;
	}
	log_setup(run.options.is_json, run.options.is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	run_output_init(&run.output);
	err = run.options.is_unpin ? unpin(&run, &error) : serve(&run, &error);
	status = err ? EXIT_FAILED : EXIT_DONE;
	if (err)
		complain(command->name, error.text);
	agent_free(run.agent);
	service_done(&run.service);
	if (run.reload)
		event_free(run.reload);
	run_output_stop(&run.output);
	loop_done(&run.loop);
	run_output_done(&run.output);
	config_done(&run.config);
	run_options_done(&run.options);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "the agent: watch containers and finish those whose last task has exited",
	.about = "Watches all containers. When the last task of one has exited and a policy (or\n"
		 "--init) matches, sends SIGTERM to init, and SIGKILL after the grace period.\n"
		 "Outcomes go to stdout, the log to stderr. SIGHUP reads the configuration again.",
	.options = run_option_rows,
	.run = run_command,
};
