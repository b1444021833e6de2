// SPDX-License-Identifier: Apache-2.0
/* `lastout check`: what this host offers and what is missing; or whether a configuration is right. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/privileges.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "config/config.h"
#include "core/managers.h"
#include "host/hierarchy.h"
#include "host/namespaces.h"
#include "host/pidfd.h"
#include "kernel/bpf.h"
#include "out/policy_text.h"
#include "runtimes/runtime_state.h"

enum verdict {
	CHECK_OK,
	CHECK_NOTE, /* works without, but less well */
	CHECK_MISSING,
};

/* One row: says what it found in `error`, whatever the verdict. */
struct check_row {
	const char *name;
	enum verdict (*look)(struct error *error);
};

static enum verdict look_root(struct error *error)
{
	if (geteuid() == 0) {
		(void)error_set(error, 0, "yes");
		return CHECK_OK;
	}
	(void)error_set(error, 0, "no; run as root: sudo lastout check");
	return CHECK_MISSING;
}

static enum verdict look_rights(struct error *error)
{
	static const enum verdict verdicts[] = {
		[RIGHTS_COMPLETE] = CHECK_OK,
		[RIGHTS_LESS] = CHECK_NOTE,
		[RIGHTS_TOO_FEW] = CHECK_MISSING,
	};

	return verdicts[rights_describe(error)];
}

static enum verdict look_kernel(struct error *error)
{
	struct utsname name;

	(void)uname(&name); /* fails for a bad address only */
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0) {
		(void)error_set(error, 0, "%s, with type information (BTF)", name.release);
		return CHECK_OK;
	}
	(void)error_set(error, 0,
			"%s, without type information at /sys/kernel/btf/vmlinux; a kernel built "
			"with CONFIG_DEBUG_INFO_BTF=y is needed, and /sys mounted",
			name.release);
	return CHECK_MISSING;
}

static enum verdict look_pid_namespace(struct error *error)
{
	if (namespaces_check_pid("/proc", error) < 0)
		return CHECK_MISSING;
	(void)error_set(error, 0, "the host's");
	return CHECK_OK;
}

static enum verdict look_clocks(struct error *error)
{
	if (namespaces_check_time("/proc", error) < 0)
		return CHECK_MISSING;
	(void)error_set(error, 0, "the host's");
	return CHECK_OK;
}

static enum verdict look_pidfd(struct error *error)
{
	int fd = pidfd_open_process(getpid());

	if (fd >= 0) {
		(void)close(fd);
		(void)error_set(error, 0, "there");
		return CHECK_OK;
	}
	(void)error_set(error, 0, "missing (%s); a kernel since 5.3 is needed", strerror(-fd));
	return CHECK_MISSING;
}

static enum verdict look_cgroups(struct error *error)
{
	struct hierarchy hierarchy;
	char text[600];

	if (hierarchy_detect("/proc", &hierarchy, error) < 0 ||
	    namespaces_check_cgroups(&hierarchy, error) < 0)
		return CHECK_MISSING;
	hierarchy_describe(&hierarchy, text, sizeof(text));
	(void)error_set(error, 0, "%s", text);
	return CHECK_OK;
}

/* As `run` does: the hooks are to be those that it would get. */
static void on_probed(void *context, bool skips_btf)
{
	(void)context;
	if (!skips_btf)
		rights_give_up_classic();
}

static void ignore_record(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

/* Which hooks, and why; what would help where they are not the better ones. */
static enum verdict describe_hooks(const struct bpf_source *source, struct error *ret_text)
{
	const char *lack = bpf_source_lack(source), *variant = bpf_source_variant(source);

	if (lack && bpf_source_skips_btf(source))
		(void)error_set(ret_text, 0,
				"load and attach, with %s hooks, of which this kernel skips runs "
				"now and then; %s",
				variant, lack);
	else if (lack)
		(void)error_set(ret_text, 0, "load and attach, with %s hooks; %s", variant, lack);
	else
		(void)error_set(ret_text, 0, "load and attach, with %s hooks", variant);
	return lack ? CHECK_NOTE : CHECK_OK;
}

static enum verdict look_programs(struct error *error)
{
	struct hierarchy hierarchy = {0};
	enum verdict verdict;
	struct bpf_source *source;
	struct bpf_source_options options = {.on_record = ignore_record, .on_probed = on_probed};

	if (hierarchy_detect("/proc", &hierarchy, error) < 0)
		return CHECK_MISSING;
	options.controller = hierarchy.controller;
	options.settings.hierarchy_id = hierarchy.id;
	if (bpf_source_open(&options, &source, error) < 0)
		return CHECK_MISSING;
	verdict = describe_hooks(source, error);
	bpf_source_close(source);
	return verdict;
}

static void add_place(void *context, const char *dir, int err)
{
	struct buf *unreadable = context;

	if (err && err != -ENOENT)
		buf_printf(unreadable, "%s%s (%s)", unreadable->len ? ", " : "", dir,
			   strerror(-err));
}

/* The usual places: which others there are is in the agent's configuration. */
static enum verdict look_state(struct error *error)
{
	_cleanup_(buf_done) struct buf unreadable = {0};
	const struct runtime_roots roots = {.root = ""};
	int err = runtime_state_probe(&roots, add_place, &unreadable);

	if (err) {
		(void)error_set(error, 0, "openat2: %s: %s", strerror(-err), runtime_state_remedy);
		return CHECK_MISSING;
	}
	if (unreadable.len) {
		(void)error_set(error, 0,
				"cannot be read: %s; permit it, or containers there have no names "
				"and labels for policies",
				unreadable.data);
		return CHECK_NOTE;
	}
	(void)error_set(error, 0, "can be read where runtimes keep it");
	return CHECK_OK;
}

static const struct check_row rows[] = {
	{"root", look_root},	       {"rights", look_rights},
	{"kernel", look_kernel},       {"pid namespace", look_pid_namespace},
	{"clocks", look_clocks},       {"pidfd", look_pidfd},
	{"cgroups", look_cgroups},     {"programs", look_programs},
	{"runtime state", look_state},
};

/* --- a configuration --- */

static void put_policy(struct buf *out, size_t number, const struct policy *policy)
{
	buf_printf(out, "%3zu  %-16s ", number, policy->name);
	text_put_match(out, policy);
	buf_puts(out, " -> ");
	text_put_action(out, policy);
	buf_putc(out, '\n');
}

static int check_config(const struct command *command, const char *path)
{
	struct config config;
	struct error error;
	struct buf out = {0};
	bool is_written;

	if (config_load(path, &config, &error) < 0) {
		complain(command->name, error.text);
		return EXIT_FAILED;
	}
	for (char **warning = config.warnings; warning && *warning; warning++)
		complain(command->name, *warning);
	if (config.policies.count)
		buf_printf(&out, "fine; of %zu policies the first that matches counts\n",
			   config.policies.count);
	else
		buf_puts(&out, "fine; without policies containers are only watched\n");
	for (size_t i = 0; i < config.policies.count; i++)
		put_policy(&out, i + 1, &config.policies.policies[i]);
	is_written = !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len;
	buf_done(&out);
	config_done(&config);
	return is_written ? EXIT_DONE : EXIT_FAILED;
}

/* --- the table of managers --- */

static void put_names(struct buf *out, const char *before, const char *const *names)
{
	if (!names)
		return;
	buf_puts(out, before);
	for (size_t i = 0; names[i]; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
}

static void put_time(struct buf *out, const char *before, uint64_t ms)
{
	char text[DURATION_TEXT_SIZE];

	duration_format(ms * NS_PER_MS, text, sizeof(text));
	buf_printf(out, "%s%s", before, text);
}

static void put_times(struct buf *out, const struct manager *manager)
{
	uint64_t settle_ms = manager->settle_ms, restart_ms = manager->restart_settle_ms;

	put_time(out, "settle ", settle_ms ? settle_ms : MANAGER_SETTLE_MS);
	put_time(out, ", restart_settle ", restart_ms ? restart_ms : MANAGER_RESTART_SETTLE_MS);
}

static int list_managers(void)
{
	struct buf out = {0};
	bool is_written;

	for (size_t i = 0; i < manager_count; i++) {
		const struct manager *manager = &managers[i];

		buf_printf(&out, "%-13s %-12s ", manager->name, manager_class_name(manager->class));
		if (manager->class == MANAGER_SUPERVISOR)
			put_times(&out, manager);
		put_names(&out, manager->class == MANAGER_SUPERVISOR ? "; init: " : "init: ",
			  manager->programs);
		put_names(&out, "; helpers: ", manager->helpers);
		buf_putc(&out, '\n');
	}
	is_written = !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len;
	buf_done(&out);
	return is_written ? EXIT_DONE : EXIT_FAILED;
}

/* --- the command --- */

struct check {
	const char *config;
	const char *pin;
	bool is_as_service;
	bool lists_managers;
};

static int take_as_service(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct check *)target)->is_as_service = true;
	return 0;
}

static int take_config(void *target, const char *value, struct error *error)
{
	(void)error;
	((struct check *)target)->config = value;
	return 0;
}

static int take_pin(void *target, const char *value, struct error *error)
{
	if (value[0] != '/')
		return error_set(error, -EINVAL, "give a path from the root");
	((struct check *)target)->pin = value;
	return 0;
}

static int take_managers(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct check *)target)->lists_managers = true;
	return 0;
}

static const struct option_row options[] = {
	{"pin", 0, "DIR", "where pins are looked for (" CONFIG_PIN ")", take_pin},
	{"as-service", 0, NULL, "test with the capabilities of the systemd unit", take_as_service},
	{"config", 'f', "FILE", "say instead whether this configuration is right", take_config},
	{"managers", 0, NULL, "list the process managers that are known", take_managers},
	{0},
};

static enum verdict look_pins(const char *directory, struct error *error)
{
	return bpf_source_describe_pins(directory, error) < 0 ? CHECK_NOTE : CHECK_OK;
}

static void put_row(const char *name, enum verdict verdict, const struct error *text)
{
	static const char *const words[] = {
		[CHECK_OK] = "ok", [CHECK_NOTE] = "note", [CHECK_MISSING] = "MISSING"};

	printf("%-8s %-14s %s\n", words[verdict], name, text->text);
}

/* First: which process it is that everything below holds for. */
static void put_capabilities(bool is_as_service)
{
	char names[CAPABILITIES_TEXT_SIZE];
	struct error text;

	capabilities_put(capabilities_read(), names, sizeof(names));
	if (is_as_service)
		(void)error_set(&text, 0, "the service, with %s", names);
	else
		(void)error_set(&text, 0,
				"this process; --as-service tests with the systemd unit's "
				"capabilities");
	put_row("tested as", CHECK_OK, &text);
}

static int check_host(const char *pin, bool is_as_service)
{
	int status = EXIT_DONE;
	enum verdict verdict;
	struct error text;

	if (is_as_service && rights_take_services() < 0) {
		complain("check", "cannot give up capabilities; run as root: sudo lastout check "
				  "--as-service");
		return EXIT_FAILED;
	}
	put_capabilities(is_as_service);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		verdict = rows[i].look(&text);
		put_row(rows[i].name, verdict, &text);
		if (verdict == CHECK_MISSING)
			status = EXIT_FAILED;
	}
	verdict = look_pins(pin, &text);
	put_row("pins", verdict, &text);
	return status;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct check check = {.pin = CONFIG_PIN};
	int status;

	if (!options_parse(command, argc, argv, &check, &status))
		return status;
	if (check.lists_managers)
		return list_managers();
	return check.config ? check_config(command, check.config) :
			      check_host(check.pin, check.is_as_service);
}

const struct command command_check = {
	.name = "check",
	.summary = "what this host offers and what is missing, with the remedy",
	.about = "Looks at everything that lastout needs of this host, one line each. Ends with 1\n"
		 "if `run` could not work. Changes nothing. Tests with the rights of its caller,\n"
		 "or, with --as-service, of the systemd unit. With --config: reads that file,\n"
		 "shows its policies in order, and ends with 1 if something is wrong in it.",
	.options = options,
	.run = run,
};
