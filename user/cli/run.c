// SPDX-License-Identifier: Apache-2.0
/* `lastout run`: the agent, in the foreground. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/loop.h"
#include "core/exit_status.h"
#include "core/glob.h"
#include "core/helpers.h"
#include "out/event_text.h"
#include "sys/lock.h"

enum {
	RUN_NAMES_MAX = 64,
	/* What nobody must act on wakes nobody; a log that tells everything is to be current, though. */
	RUN_VERBOSE_DRAIN_MS = 50,
};

struct run {
	const char *helpers[RUN_NAMES_MAX + 1]; /* ended by NULL */
	size_t helper_count;
	struct policy_set policies;
	struct policy *policy; /* what the options say; the only one */
	const char *run_dir;
	bool is_dry_run;
	bool is_json;
	bool is_verbose;
	int lock_fd;
	struct loop loop;
	struct agent *agent;
};

static int take_init(void *target, const char *value, struct error *error)
{
	struct run *run = target;

	if (!*value)
		return error_set(error, -EINVAL, "an empty name matches no init");
	if (glob_matches_everything(value))
		return error_set(error, -EINVAL,
				 "that matches every container of this host; name the process "
				 "managers to be ended, for example --init supervisord");
	if (policy_globs_add(&run->policy->match[POLICY_INIT], value) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	run->policy->has_match = true;
	return 0;
}

static int take_helper(void *target, const char *value, struct error *error)
{
	struct run *run = target;
	int err = helper_name_check(value, error);

	if (err)
		return err;
	if (run->helper_count == RUN_NAMES_MAX)
		return error_set(error, -E2BIG, "more than %d of them", RUN_NAMES_MAX);
	run->helpers[run->helper_count++] = value;
	return 0;
}

static int take_settle(void *target, const char *value, struct error *error)
{
	return option_duration(value, &((struct run *)target)->policy->timing.settle_ns, error);
}

static int take_grace(void *target, const char *value, struct error *error)
{
	return option_duration(value, &((struct run *)target)->policy->timing.grace_ns, error);
}

static int take_signal(void *target, const char *value, struct error *error)
{
	int signal = signal_parse(value);

	if (signal < 0)
		return error_set(error, signal,
				 "not a signal; write one like TERM, INT or RTMIN+3");
	((struct run *)target)->policy->signal = signal;
	return 0;
}

static int take_dry_run(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run *)target)->is_dry_run = true;
	return 0;
}

static int take_log(void *target, const char *value, struct error *error)
{
	struct run *run = target;

	if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
		return error_set(error, -EINVAL, "either text or json");
	run->is_json = strcmp(value, "json") == 0;
	return 0;
}

static int take_verbose(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run *)target)->is_verbose = true;
	return 0;
}

static int take_run_dir(void *target, const char *value, struct error *error)
{
	if (value[0] != '/')
		return error_set(error, -EINVAL, "give a path from the root");
	((struct run *)target)->run_dir = value;
	return 0;
}

static const struct option_row options[] = {
	{"init", 0, "GLOB", "finish containers with this init; may repeat", take_init},
	{"helper", 0, "NAME", "no work, but part of the manager; may repeat", take_helper},
	{"settle", 0, "TIME", "wait so long for init to end by itself (1s)", take_settle},
	{"grace", 0, "TIME", "wait so long between asking and SIGKILL (10s)", take_grace},
	{"signal", 0, "NAME", "ask init to end with this signal (TERM)", take_signal},
	{"dry-run", 0, NULL, "do everything but signal", take_dry_run},
	{"log", 0, "FORMAT", "text or json (text)", take_log},
	{"verbose", 'v', NULL, "log what each container does", take_verbose},
	{"run-dir", 0, "DIR", "one agent runs for each (/run/lastout)", take_run_dir},
	{0},
};

static void on_outcome(void *context, const struct outcome *outcome)
{
	const struct run *run = context;
	struct buf line = {0};

	if (run->is_json)
		event_json_outcome(&line, outcome);
	else
		text_put_outcome(&line, outcome);
	/* Whoever reads outcomes and is gone misses them; containers are finished all the same. */
	if (!line.failed && (fwrite(line.data, 1, line.len, stdout) < line.len || fflush(stdout)))
		log_message(LOG_LEVEL_ERROR, "output", "an outcome could not be written to stdout");
	buf_done(&line);
}

static int start(struct run *run, struct error *error)
{
	struct agent_options options = {
		.shared =
			{
				.policies = &run->policies,
				.is_dry_run = run->is_dry_run,
				.on_outcome = on_outcome,
				.context = run,
			},
	};
	int err;

	if (geteuid() != 0)
		return error_set(error, -EPERM, "it needs root: sudo lastout run");
	err = lock_take(run->run_dir, &run->lock_fd, error);
	if (!err)
		err = loop_init(&run->loop, error);
	if (err)
		return err;
	options.shared.base = run->loop.base;
	options.helpers = run->helpers;
	if (run->is_verbose)
		options.drain_ms = RUN_VERBOSE_DRAIN_MS;
	return agent_new(&options, &run->agent, error);
}

static void log_ready(const struct run *run)
{
	struct watch *watch = agent_watch(run->agent);
	struct log_line line;
	char hierarchy[600];

	hierarchy_describe(watch_hierarchy(watch), hierarchy, sizeof(hierarchy));
	log_begin(&line, LOG_LEVEL_INFO, "ready",
		  run->policy->has_match ? "watching" :
					   "watching only: without --init nothing is finished");
	log_uint(&line, "containers", watch_container_count(watch));
	log_string(&line, "hooks", bpf_source_variant(watch_source(watch)));
	log_string(&line, "cgroups", hierarchy);
	log_end(&line);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct run run = {
		.run_dir = "/run/lastout",
		.lock_fd = -1,
	};
	struct error error;
	int status = EXIT_FAILED;

	if (policy_set_init(&run.policies) < 0 ||
	    policy_set_add(&run.policies, "options", &run.policy) < 0 ||
	    !options_parse(command, argc, argv, &run, &status)) {
		policy_set_done(&run.policies);
		return status;
	}
	log_setup(run.is_json, run.is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	status = EXIT_DONE;
	if (start(&run, &error) == 0) {
		(void)malloc_trim(0); /* loading read the kernel's types: megabytes */
		log_ready(&run);
		(void)event_base_dispatch(run.loop.base);
	} else {
		complain(command->name, error.text);
		status = EXIT_FAILED;
	}
	agent_free(run.agent);
	loop_done(&run.loop);
	if (run.lock_fd >= 0)
		lock_release(run.run_dir, run.lock_fd);
	policy_set_done(&run.policies);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "the agent: watch containers and finish those whose last task has exited",
	.about = "Watches all containers of this host. When the last task of one has exited, only\n"
		 "its process manager is left, and --init names that manager: asks it to end, and\n"
		 "kills it after the grace. Without --init nothing is ever finished. Outcomes go\n"
		 "to stdout, the log to stderr.",
	.options = options,
	.run = run_command,
};
