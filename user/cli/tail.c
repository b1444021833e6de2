// SPDX-License-Identifier: Apache-2.0
/* `lastout tail`: exits as they happen, of every process. Needs no agent. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/watch.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/loop.h"
#include "core/glob.h"
#include "gvisor/roots.h"
#include "gvisor/state.h"
#include "out/cell.h"
#include "out/event_text.h"

enum tail_output { TAIL_TABLE, TAIL_WIDE, TAIL_JSON };

/* A storm on every core, while this process waits for its turn: see docs/performance.md. */
enum { TAIL_DRAIN_MS = 100, TAIL_FLUSH_BYTES = 1 << 16, TAIL_RING_BYTES = 8 << 20 };

struct tail {
	struct abi_settings settings;
	const char *container; /* globs; NULL: any */
	const char *namespace;
	const char *pod;
	const char *comm;
	enum tail_output output;
	struct table_style style;
	uint32_t limit; /* 0: none */
	uint64_t duration_ns;
	uint64_t printed;
	bool is_broken; /* stdout takes no more */
	struct buf lines;
	struct loop loop;
	struct watch *watch;
};

static int take_container(void *target, const char *value, struct error *error)
{
	struct tail *tail = target;

	(void)error;
	tail->container = value;
	tail->settings.emit = EMIT_MEMBERS;
	return 0;
}

/* In containers only, so that the kernel side leaves the rest away. */
static int take_namespace(void *target, const char *value, struct error *error)
{
	struct tail *tail = target;

	(void)error;
	tail->namespace = value;
	tail->settings.emit = EMIT_MEMBERS;
	return 0;
}

static int take_pod(void *target, const char *value, struct error *error)
{
	struct tail *tail = target;

	(void)error;
	tail->pod = value;
	tail->settings.emit = EMIT_MEMBERS;
	return 0;
}

static int take_comm(void *target, const char *value, struct error *error)
{
	(void)error;
	((struct tail *)target)->comm = value;
	return 0;
}

static int take_pid(void *target, const char *value, struct error *error)
{
	return option_number(value, 1, &((struct tail *)target)->settings.pid, error);
}

/* By number or by name. The file is read without NSS, which a static binary cannot have. */
static int take_uid(void *target, const char *value, struct error *error)
{
	struct abi_settings *settings = &((struct tail *)target)->settings;
	_cleanup_fclose_ FILE *users = NULL;
	const struct passwd *user;

	settings->has_uid = 1;
	if (option_number(value, 0, &settings->uid, error) == 0)
		return 0;
	users = fopen("/etc/passwd", "re");
	while (users && (user = fgetpwent(users))) {
		if (strcmp(user->pw_name, value) == 0) {
			settings->uid = user->pw_uid;
			return 0;
		}
	}
	return error_set(error, -EINVAL, "neither a number nor a user in /etc/passwd");
}

static int take_failed(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct tail *)target)->settings.is_failed_only = 1;
	return 0;
}

static int take_last(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct tail *)target)->settings.is_last_only = 1;
	return 0;
}

static int take_no_host(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct tail *)target)->settings.emit = EMIT_MEMBERS;
	return 0;
}

static int take_threads(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct tail *)target)->settings.has_threads = 1;
	return 0;
}

static int take_choice(const char *value, const char *const *choices, unsigned *ret_index,
		       struct error *error)
{
	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(value, choices[i]) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return error_set(error, -EINVAL, "one of %s, %s, %s", choices[0], choices[1], choices[2]);
}

static int take_output(void *target, const char *value, struct error *error)
{
	static const char *const choices[] = {"table", "wide", "json", NULL};

	return take_choice(value, choices, &((struct tail *)target)->output, error);
}

static int take_time(void *target, const char *value, struct error *error)
{
	static const char *const choices[] = {"local", "utc", "mono", NULL};

	return take_choice(value, choices, &((struct tail *)target)->style.time, error);
}

static int take_count(void *target, const char *value, struct error *error)
{
	return option_number(value, 1, &((struct tail *)target)->limit, error);
}

static int take_duration(void *target, const char *value, struct error *error)
{
	uint64_t *ns = &((struct tail *)target)->duration_ns;
	int err = option_duration(value, ns, error);

	if (!err && *ns == 0)
		return error_set(error, -EINVAL, "that is no time at all");
	return err;
}

static const struct option_row options[] = {
	{"container", 'c', "GLOB", "only containers with this name or id", take_container},
	{"namespace", 'n', "GLOB", "only pods of this Kubernetes namespace", take_namespace},
	{"pod", 0, "GLOB", "only pods of this name", take_pod},
	{"comm", 0, "GLOB", "only processes with this command name", take_comm},
	{"pid", 'p', "PID", "only this process", take_pid},
	{"uid", 'u', "USER", "only this user, by number or name", take_uid},
	{"failed", 'x', NULL, "only exits other than with code 0", take_failed},
	{"last", 0, NULL, "only exits that leave a container without a task", take_last},
	{"no-host", 0, NULL, "only processes in containers", take_no_host},
	{"threads", 0, NULL, "threads, too", take_threads},
	{"output", 'o', "FORMAT", "table, wide or json (table)", take_output},
	{"time", 0, "CLOCK", "local, utc or mono (local)", take_time},
	{"count", 0, "N", "end after so many events", take_count},
	{"duration", 'D', "TIME", "end after this time", take_duration},
	{0},
};

static bool fits(const char *glob, const char *text)
{
	return !glob || (text && glob_matches(glob, text));
}

/* By name, by id, or by as much of the id as tables show. */
static bool is_wanted_container(const struct tail *tail, const struct container *container)
{
	const struct identity *identity;
	char shown[sizeof(identity->id)];

	if (!tail->container && !tail->namespace && !tail->pod)
		return true;
	if (!container)
		return false;
	identity = &container->identity;
	(void)snprintf(shown, sizeof(shown), "%.*s", (int)cell_short_id_length(identity->id),
		       identity->id);
	return fits(tail->namespace, identity->namespace) && fits(tail->pod, identity->pod) &&
	       (fits(tail->container, identity->name) || fits(tail->container, identity->id) ||
		fits(tail->container, shown));
}

/* What the kernel side cannot filter. */
static bool is_wanted(const struct tail *tail, const struct record_exit *record,
		      const struct container *container)
{
	char comm[ABI_COMM_SIZE + 1] = "";

	/* In a new cgroup that was counted on suspicion, and is no container's. */
	if (!container && (tail->settings.emit == EMIT_MEMBERS || tail->settings.is_last_only))
		return false;
	if (!is_wanted_container(tail, container))
		return false;
	/* Two that ended at the same moment may both have seen none left: one was the last. */
	if (tail->settings.is_last_only && container && container->is_idle)
		return false;
	if (!tail->comm)
		return true;
	memcpy(comm, record->comm, ABI_COMM_SIZE);
	return glob_matches(tail->comm, comm);
}

static void flush(void *context)
{
	struct tail *tail = context;

	if (tail->lines.len && !tail->is_broken &&
	    (tail->lines.failed ||
	     fwrite(tail->lines.data, 1, tail->lines.len, stdout) < tail->lines.len ||
	     fflush(stdout) != 0)) {
		tail->is_broken = true;
		(void)event_base_loopbreak(tail->loop.base);
	}
	buf_reset(&tail->lines);
}

static void on_exit_record(void *context, struct container *container,
			   const struct record_exit *record)
{
	struct tail *tail = context;

	if (tail->is_broken || (tail->limit && tail->printed == tail->limit) ||
	    !is_wanted(tail, record, container))
		return;
	if (tail->output == TAIL_JSON)
		event_json_exit(&tail->lines, record, container);
	else
		table_put_exit(&tail->lines, &tail->style, record, container);
	if (++tail->printed == tail->limit)
		(void)event_base_loopbreak(tail->loop.base);
	if (tail->lines.len > TAIL_FLUSH_BYTES)
		flush(tail);
}

/* A replay needs it. Not where only some processes are asked for, and not counted: it is no exit. */
static void on_change(void *context, struct container *container, enum watch_change change)
{
	const struct abi_settings *settings = &((struct tail *)context)->settings;
	struct tail *tail = context;

	if (change != WATCH_EXEC || tail->output != TAIL_JSON || tail->is_broken || tail->comm ||
	    settings->pid || settings->has_uid || settings->is_failed_only ||
	    settings->is_last_only || !is_wanted_container(tail, container))
		return;
	event_json_exec(&tail->lines, container);
}

static int start(struct tail *tail, struct error *error)
{
	struct watch_options watch_options = {
		.settings = tail->settings,
		.proc = "/proc",
		.roots = {.root = ""},
		.drain_ms = TAIL_DRAIN_MS,
		.observer = {.on_change = on_change,
			     .on_exit = on_exit_record,
			     .on_drained = flush,
			     .context = tail},
	};
	struct timeval end = {(time_t)(tail->duration_ns / NS_PER_SEC),
			      (suseconds_t)(tail->duration_ns % NS_PER_SEC / 1000)};
	int err;

	if (geteuid() != 0)
		return error_set(error, -EPERM, "it needs root: sudo lastout tail");
	err = loop_init(&tail->loop, error);
	if (!err)
		err = watch_new(tail->loop.base, &watch_options, &tail->watch, error);
	if (err)
		return err;
	if (tail->output != TAIL_JSON) {
		table_put_header(&tail->lines, &tail->style);
		flush(tail);
	}
	err = watch_start(tail->watch, error);
	if (!err && tail->duration_ns && event_base_loopexit(tail->loop.base, &end) < 0)
		return error_set(error, -ENOMEM, "cannot set a timer");
	return err;
}

static void count_sandbox(void *context, const struct gvisor_process *process)
{
	(void)process;
	(*(unsigned *)context)++;
}

/* Those that are PID 1 of a namespace of their own are known by their state files alone. */
static void count_by_state(void *context, const char *root, const char *sandbox)
{
	struct gvisor_process process;
	struct gvisor_states states;

	if (gvisor_states_read("", root, sandbox, &states, NULL) < 0)
		return;
	for (size_t i = 0; i < states.count; i++) {
		const struct gvisor_state *state = &states.items[i];

		if (state->sandbox_pid && strcmp(state->identity.id, state->sandbox) == 0 &&
		    gvisor_process_read("/proc", state->sandbox_pid, &process) == 0 &&
		    process.is_pid_1)
			count_sandbox(context, &process);
	}
	gvisor_states_done(&states);
}

static unsigned count_sandboxes(void)
{
	struct gvisor_roots *roots;
	unsigned count = 0;

	(void)gvisor_process_scan("/proc", count_sandbox, &count);
	if (gvisor_roots_new("", NULL, &roots) == 0) {
		(void)gvisor_roots_read(roots, count_by_state, &count);
		gvisor_roots_free(roots);
	}
	return count;
}

/* Nothing shows that something is missing, where it is: inside, no hook of this kernel fires. */
static bool has_told_of_sandboxes(void)
{
	unsigned count = count_sandboxes();

	if (count)
		(void)fprintf(stderr,
			      "%u gVisor sandbox%s: exits inside are not shown; `lastout run` "
			      "follows them, and `lastout ps` tells what it knows\n",
			      count, count == 1 ? "" : "es");
	return count;
}

static int follow(struct tail *tail)
{
	bool has_told = has_told_of_sandboxes();
	uint64_t written;

	(void)fprintf(stderr, "watching %u containers; Ctrl-C ends\n",
		      watch_container_count(tail->watch));
	if (!tail->is_broken)
		(void)event_base_dispatch(tail->loop.base);
	/* What happened before the end belongs to it. */
	written = watch_written(tail->watch);
	do {
		watch_drain(tail->watch);
	} while (!tail->is_broken && !watch_has_read(tail->watch, written));
	if (!has_told)
		(void)has_told_of_sandboxes();
	(void)fprintf(stderr, "%llu events, %llu lost\n", (unsigned long long)tail->printed,
		      (unsigned long long)watch_lost(tail->watch));
	return EXIT_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct tail tail = {.settings = {.emit = EMIT_ALL, .ring_bytes = TAIL_RING_BYTES}};
	struct error error;
	int status;

	if (!options_parse(command, argc, argv, &tail, &status))
		return status;
	tail.style.is_wide = tail.output == TAIL_WIDE;
	tail.style.has_colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	if (start(&tail, &error) == 0) {
		status = follow(&tail);
	} else {
		complain(command->name, error.text);
		status = EXIT_FAILED;
	}
	watch_free(tail.watch);
	loop_done(&tail.loop);
	buf_done(&tail.lines);
	return status;
}

const struct command command_tail = {
	.name = "tail",
	.summary = "exits as they happen, of every process; needs no agent",
	.about = "Prints each process that exits: once, when its last thread has, with the status\n"
		 "that its parent gets. LEFT is how many tasks its container has left; VERDICT\n"
		 "says `last` for a last exit and `gone` for the container's init.",
	.options = options,
	.run = run_command,
};
