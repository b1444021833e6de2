// SPDX-License-Identifier: Apache-2.0
#include "cli/run_options.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/exit_status.h"
#include "core/glob.h"
#include "core/helpers.h"

#define RUN_CONFIG "/etc/lastout/config.yaml"

int run_options_init(struct run_options *options)
{
	memset(options, 0, sizeof(*options));
	return policy_set_init(&options->set);
}

void run_options_done(struct run_options *options)
{
	policy_set_done(&options->set);
}

static int take_config(void *target, const char *value, struct error *error)
{
	(void)error;
	((struct run_options *)target)->config_path = value;
	return 0;
}

static int take_socket(void *target, const char *value, struct error *error)
{
	if (value[0] != '/')
		return error_set(error, -EINVAL, "give a path from the root");
	((struct run_options *)target)->socket = value;
	return 0;
}

static int take_metrics(void *target, const char *value, struct error *error)
{
	if (!config_is_endpoint(value))
		return error_set(error, -EINVAL,
				 "give ADDRESS:PORT, like 127.0.0.1:9871 or "
				 "[::1]:9871");
	((struct run_options *)target)->metrics = value;
	return 0;
}

static int take_pin(void *target, const char *value, struct error *error)
{
	if (value[0] != '/' && strcmp(value, "none") != 0)
		return error_set(error, -EINVAL, "give a path from the root, or none");
	((struct run_options *)target)->pin = value;
	return 0;
}

static int take_unpin(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run_options *)target)->is_unpin = true;
	return 0;
}

static int take_init(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	if (!*value)
		return error_set(error, -EINVAL, "an empty name matches no init");
	if (glob_matches_everything(value))
		return error_set(error, -EINVAL,
				 "that matches every container of this host; name the process "
				 "managers to be ended, for example --init supervisord");
	if (options->init_count == RUN_NAMES_MAX)
		return error_set(error, -E2BIG, "more than %d of them", RUN_NAMES_MAX);
	options->inits[options->init_count++] = value;
	options->has_policy = true;
	return 0;
}

static int take_helper(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;
	int err = helper_name_check(value, error);

	if (err)
		return err;
	if (options->helper_count == RUN_NAMES_MAX)
		return error_set(error, -E2BIG, "more than %d of them", RUN_NAMES_MAX);
	options->helpers[options->helper_count++] = value;
	options->has_policy = true;
	return 0;
}

static int take_settle(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	options->has_policy = options->set.defaults.has_settle = true;
	return option_duration(value, &options->set.defaults.timing.settle_ns, error);
}

static int take_restart_settle(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	options->has_policy = options->set.defaults.has_restart_settle = true;
	return option_duration(value, &options->set.defaults.restart_settle_ns, error);
}

static int take_grace(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	options->has_policy = true;
	return option_duration(value, &options->set.defaults.timing.grace_ns, error);
}

static int take_signal(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;
	int signal = signal_parse(value);

	if (signal < 0)
		return error_set(error, signal,
				 "not a signal; write one like TERM, INT or RTMIN+3");
	options->set.defaults.signal = signal;
	options->has_policy = true;
	return 0;
}

static int take_status(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	options->has_policy = true;
	for (int how = POLICY_STATUS_SIGNAL; how <= POLICY_STATUS_WORST; how++) {
		if (strcmp(value, policy_status_name(how)) == 0) {
			options->set.defaults.status = how;
			return 0;
		}
	}
	return error_set(error, -EINVAL, "one of signal, task, worst");
}

static int take_keep_rights(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run_options *)target)->keeps_rights = true;
	return 0;
}

static int take_dry_run(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run_options *)target)->is_dry_run = true;
	return 0;
}

static int take_log(void *target, const char *value, struct error *error)
{
	struct run_options *options = target;

	if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
		return error_set(error, -EINVAL, "either text or json");
	options->is_json = strcmp(value, "json") == 0;
	return 0;
}

static int take_verbose(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct run_options *)target)->is_verbose = true;
	return 0;
}

const struct option_row run_option_rows[] = {
	{"config", 'f', "FILE", "policies and settings (" RUN_CONFIG ")", take_config},
	{"init", 0, "GLOB", "no file: finish containers with this init", take_init},
	{"helper", 0, "NAME", "no work, but part of the manager; may repeat", take_helper},
	{"settle", 0, "TIME", "wait so long after a task that succeeded (by manager)", take_settle},
	{"restart-settle", 0, "TIME", "wait so long after any other end (by manager)",
	 take_restart_settle},
	{"grace", 0, "TIME", "wait so long between asking and SIGKILL (10s)", take_grace},
	{"signal", 0, "NAME", "ask init to end with this signal (TERM)", take_signal},
	{"status", 0, "HOW", "end with the status of: signal, task, worst (signal)", take_status},
	{"dry-run", 0, NULL, "do everything but signal", take_dry_run},
	{"socket", 0, "PATH", "the control socket (/run/lastout/lastout.sock)", take_socket},
	{"metrics", 0, "ADDR:PORT", "serve metrics and health there (nowhere)", take_metrics},
	{"pin", 0, "DIR", "where the count goes on without us, or none", take_pin},
	{"unpin", 0, NULL, "remove what is pinned there, and end", take_unpin},
	{"keep-rights", 0, NULL, "give up no rights: to look for a fault", take_keep_rights},
	{"log", 0, "FORMAT", "text or json (text)", take_log},
	{"verbose", 'v', NULL, "log what each container does", take_verbose},
	{0},
};

/* --- to a configuration --- */

static int add_helpers(const struct run_options *options, struct config *config)
{
	config->helpers = calloc(options->helper_count + 1, sizeof(*config->helpers));
	if (!config->helpers)
		return -ENOMEM;
	for (size_t i = 0; i < options->helper_count; i++) {
		config->helpers[i] = strdup(options->helpers[i]);
		if (!config->helpers[i])
			return -ENOMEM;
	}
	return 0;
}

static int add_policy(const struct run_options *options, struct config *config)
{
	struct policy *defaults = &config->policies.defaults, *policy;
	int err;

	defaults->timing = options->set.defaults.timing;
	defaults->restart_settle_ns = options->set.defaults.restart_settle_ns;
	defaults->signal = options->set.defaults.signal;
	defaults->status = options->set.defaults.status;
	if (!options->init_count)
		return 0;
	err = policy_set_add(&config->policies, "options", &policy);
	if (err)
		return err;
	policy->has_match = true;
	policy->has_settle = options->set.defaults.has_settle;
	policy->has_restart_settle = options->set.defaults.has_restart_settle;
	for (size_t i = 0; i < options->init_count && !err; i++)
		err = policy_globs_add(&policy->match[POLICY_INIT], options->inits[i]);
	return err;
}

static int from_options(const struct run_options *options, struct config *ret_config,
			struct error *error)
{
	int err = config_init(ret_config);

	if (!err)
		err = add_helpers(options, ret_config);
	if (!err)
		err = add_policy(options, ret_config);
	return err ? error_set(error, err, "out of memory") : 0;
}

static int choose_file(struct run_options *options, struct error *error)
{
	bool is_there = access(RUN_CONFIG, F_OK) == 0;

	if (options->config_path && options->has_policy)
		return error_set(
			error, -EINVAL,
			"either --config or the options that stand in its place "
			"(--init, --helper, --settle, --restart-settle, --grace, --signal): write them into "
			"%s",
			options->config_path);
	if (!options->config_path && is_there && !options->has_policy)
		options->config_path = RUN_CONFIG;
	else if (!options->config_path && is_there)
		log_message(LOG_LEVEL_WARN, "config",
			    RUN_CONFIG " is not read: the options stand in its place");
	return 0;
}

static int override(const char *option, char **setting)
{
	char *copy;

	if (!option)
		return 0;
	copy = strdup(option);
	if (!copy)
		return -ENOMEM;
	free(*setting);
	*setting = copy;
	return 0;
}

int run_options_load(struct run_options *options, struct config *ret_config, struct error *error)
{
	int err = choose_file(options, error);

	if (err)
		return err;
	err = options->config_path ? config_load(options->config_path, ret_config, error) :
				     from_options(options, ret_config, error);
	if (err)
		return err;
	err = override(options->socket, &ret_config->socket);
	if (!err)
		err = override(options->pin, &ret_config->pin);
	if (!err)
		err = override(options->metrics, &ret_config->metrics);
	return err ? error_set(error, err, "out of memory") : 0;
}
