// SPDX-License-Identifier: Apache-2.0
#include "core/managers.h"

#include <string.h>

#include "core/glob.h"

#define S(seconds) (UINT64_C(1000) * (seconds))
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * docs/process-managers.md has what was measured; a test holds the two against each other. A wrapper or
 * supervisor is among its own helpers where it may stand below another one.
 */
const struct manager managers[] = {
	/* It never starts a task again. */
	{"goproc", MANAGER_SUPERVISOR, NAMES("goproc"), NAMES("goproc"), S(1), S(1)},
	{"supervisord", MANAGER_SUPERVISOR,
	 NAMES("supervisord", "supervisord.py", "supervisor.supervisord"), NAMES("supervisord"),
	 S(5), S(15)},
	{"s6", MANAGER_SUPERVISOR, NAMES("s6-svscan", "s6-linux-init"),
	 NAMES("s6-svscan", "s6-supervise", "s6-linux-init-s", "s6-ipcserverd", "s6-fdholderd",
	       "s6-log"),
	 S(2), S(5)},
	{"runit", MANAGER_SUPERVISOR, NAMES("runsvdir", "runit", "runit-init"),
	 NAMES("runsvdir", "runsv", "svlogd"), S(2), S(5)},
	{"daemontools", MANAGER_SUPERVISOR, NAMES("svscan"),
	 NAMES("svscan", "supervise", "multilog", "readproctitle"), S(2), S(5)},
	{"pm2", MANAGER_SUPERVISOR, NAMES("pm2", "pm2-runtime", "pm2-docker", "pm2-dev", "PM2 v*"),
	 NAMES("PM2 v*"), S(2), S(15)},
	{"forever", MANAGER_SUPERVISOR, NAMES("forever"), NULL, 0, 0},
	{"circusd", MANAGER_SUPERVISOR, NAMES("circusd", "circus.circusd"), NULL, 0, 0},
	{"my_init", MANAGER_SUPERVISOR, NAMES("my_init"), NULL, S(2), S(5)},

	{"tini", MANAGER_WRAPPER, NAMES("tini", "tini-static"), NAMES("tini"), S(1), S(1)},
	{"docker-init", MANAGER_WRAPPER, NAMES("docker-init"), NAMES("docker-init"), S(1), S(1)},
	{"dumb-init", MANAGER_WRAPPER, NAMES("dumb-init"), NAMES("dumb-init"), S(1), S(1)},
	{"catatonit", MANAGER_WRAPPER, NAMES("catatonit"), NAMES("catatonit"), S(1), S(1)},
	{"gosu", MANAGER_WRAPPER, NAMES("gosu"), NULL, 0, 0},
	{"su-exec", MANAGER_WRAPPER, NAMES("su-exec"), NULL, 0, 0},
	{"setpriv", MANAGER_WRAPPER, NAMES("setpriv"), NULL, 0, 0},
	{"sudo", MANAGER_WRAPPER, NAMES("sudo"), NULL, 0, 0},
	{"runuser", MANAGER_WRAPPER, NAMES("runuser"), NULL, 0, 0},
	{"honcho", MANAGER_WRAPPER, NAMES("honcho"), NULL, 0, 0},
	{"foreman", MANAGER_WRAPPER, NAMES("foreman"), NULL, 0, 0},
	{"concurrently", MANAGER_WRAPPER, NAMES("concurrently", "concurrently.js"), NULL, 0, 0},
	{"torchrun", MANAGER_WRAPPER,
	 NAMES("torchrun", "torch.distributed.run", "torch.distributed.launch"), NULL, 0, 0},

	{"celery", MANAGER_SERVER, NAMES("celery"), NULL, 0, 0},
	{"gunicorn", MANAGER_SERVER, NAMES("gunicorn"), NULL, 0, 0},
	{"jupyter", MANAGER_SERVER, NAMES("jupyter*"), NULL, 0, 0},
	{"nodemon", MANAGER_SERVER, NAMES("nodemon", "nodemon.js"), NULL, 0, 0},
	{"monit", MANAGER_SERVER, NAMES("monit"), NULL, 0, 0},
	{"apache", MANAGER_SERVER,
	 NAMES("apache2", "httpd", "apache2ctl", "apachectl", "apache2-foreground"), NULL, 0, 0},
	{"nginx", MANAGER_SERVER, NAMES("nginx", "nginx: *"), NULL, 0, 0},
	{"php-fpm", MANAGER_SERVER, NAMES("php-fpm*"), NULL, 0, 0},
	{"uwsgi", MANAGER_SERVER, NAMES("uwsgi"), NULL, 0, 0},
	{"cron", MANAGER_SERVER, NAMES("cron", "crond"), NULL, 0, 0},
	{"sshd", MANAGER_SERVER, NAMES("sshd", "sshd: *"), NULL, 0, 0},
	{"init", MANAGER_SERVER, NAMES("init"), NULL, 0, 0},
	{"openrc", MANAGER_SERVER, NAMES("openrc-init"), NULL, 0, 0},
	{"systemd", MANAGER_SERVER, NAMES("systemd"), NULL, 0, 0},
	{"finit", MANAGER_SERVER, NAMES("finit"), NULL, 0, 0},

	{"sleep", MANAGER_PLACEHOLDER, NAMES("sleep"), NULL, 0, 0},
	{"tail", MANAGER_PLACEHOLDER, NAMES("tail"), NULL, 0, 0},
	{"cat", MANAGER_PLACEHOLDER, NAMES("cat"), NULL, 0, 0},
	{"pause", MANAGER_PLACEHOLDER, NAMES("pause"), NULL, 0, 0},
};

const size_t manager_count = sizeof(managers) / sizeof(managers[0]);

static bool is_named(const struct manager *manager, const char *name)
{
	for (const char *const *pattern = manager->programs; *pattern; pattern++)
		if (glob_matches(*pattern, name))
			return true;
	return false;
}

static const struct manager *find_name(const char *name)
{
	for (size_t i = 0; name && *name && i < manager_count; i++)
		if (is_named(&managers[i], name))
			return &managers[i];
	return NULL;
}

const struct manager *manager_find(const struct command_line *args)
{
	const struct manager *manager = find_name(command_line_program(args));

	if (!manager)
		manager = find_name(command_line_base_name(args));
	return manager ? manager : find_name(command_line_argument(args, 0));
}

/* Options of wrappers whose value is the next argument. */
static bool has_value(const char *option)
{
	static const char *const options[] = {"-p", "-e", /* tini */
					      "-r", "--rewrite" /* dumb-init */};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

/* Only the small inits stay while their command runs; the other wrappers are read at their exec. */
static bool is_small_init(const struct manager *manager)
{
	return manager && manager->class == MANAGER_WRAPPER && manager->helpers;
}

const struct manager *manager_of(const struct command_line *args, const struct command_line *led)
{
	const struct manager *manager = led ? manager_find(led) : NULL;

	if (manager && manager->class == MANAGER_SUPERVISOR)
		return manager;
	return args ? manager_find(args) : NULL;
}

bool manager_may_lead(const struct command_line *args)
{
	return is_small_init(manager_find(args)) ||
	       command_line_interpreter(command_line_base_name(args)) == INTERPRETER_SHELL;
}

bool manager_led_by(const struct command_line *args, struct command_line *ret_led)
{
	const char *argument;
	unsigned number = 1;

	if (!is_small_init(manager_find(args)))
		return false;
	for (; (argument = command_line_argument(args, number)) && argument[0] == '-'; number++) {
		if (strcmp(argument, "--") == 0) {
			number++;
			break;
		}
		number += has_value(argument);
	}
	memset(ret_led, 0, sizeof(*ret_led));
	for (; (argument = command_line_argument(args, number)); number++)
		command_line_add(ret_led, argument);
	return ret_led->answer == ANSWER_VALUE;
}

const char *manager_class_name(enum manager_class class)
{
	static const char *const names[] = {
		[MANAGER_SUPERVISOR] = "supervisor",
		[MANAGER_WRAPPER] = "wrapper",
		[MANAGER_SERVER] = "server",
		[MANAGER_PLACEHOLDER] = "placeholder",
	};

	return class < MANAGER_CLASS_COUNT ? names[class] : "unknown";
}
