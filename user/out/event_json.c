// SPDX-License-Identifier: Apache-2.0
#include "out/event_json.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "core/cputime.h"
#include "core/exit_status.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static void put_time(struct json *json, uint64_t boot_ns)
{
	char time[40];

	clock_format_rfc3339(boot_ns, time, sizeof(time));
	json_string(json, "time", time);
}

/* exit_code (null when killed) and signal (null when not). */
static void put_status(struct json *json, int status)
{
	char name[EXIT_STATUS_TEXT_SIZE];
	int signal = exit_status_signal(status);

	if (signal) {
		signal_name(signal, name, sizeof(name));
		json_null(json, "exit_code");
		json_string(json, "signal", name);
	} else {
		json_int(json, "exit_code", exit_status_code(status));
		json_null(json, "signal");
	}
}

/* "" is what nobody knows. */
static void put_known(struct json *json, const char *key, const char *text)
{
	json_string(json, key, text[0] ? text : NULL);
}

static void put_container(struct json *json, const struct container *container)
{
	if (!container) {
		json_null(json, "container");
		return;
	}
	json_object_begin(json, "container");
	json_string(json, "id", container->identity.id);
	json_null(json, "name");
	json_string(json, "runtime", runtime_name(container->identity.runtime));
	json_null(json, "image");
	json_null(json, "pod");
	json_null(json, "namespace");
	put_known(json, "pod_uid", container->identity.pod_uid);
	json_object_end(json);
}

static void put_times(struct json *json, const struct record_exit *record)
{
	uint64_t user_ns, system_ns;

	cputime_split(record->user_ns, record->system_ns, record->runtime_ns, &user_ns, &system_ns);
	json_double(json, "duration_s", SECONDS(record->head.time_ns - record->start_ns), 6);
	json_double(json, "cpu_user_s", SECONDS(user_ns), 6);
	json_double(json, "cpu_system_s", SECONDS(system_ns), 6);
	json_uint(json, "max_rss_bytes", record->max_rss_pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

void event_json_exit(struct buf *out, const struct record_exit *record,
		     const struct container *container)
{
	bool is_thread = record->head.flags & EXIT_THREAD;
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	put_time(&json, record->head.time_ns);
	json_string(&json, "event", is_thread ? "thread_exit" : "exit");
	json_uint(&json, "pid", record->pid);
	if (is_thread)
		json_uint(&json, "tid", record->tid);
	json_uint(&json, "ppid", record->parent_pid);
	json_uint(&json, "ns_pid", record->ns_pid);
	json_uint(&json, "uid", record->uid);
	json_string_len(&json, "comm", record->comm, strnlen(record->comm, sizeof(record->comm)));
	put_status(&json, record->status);
	json_bool(&json, "core_dumped", exit_status_core(record->status));
	json_bool(&json, "oom_killed", record->head.flags & EXIT_OOM);
	put_times(&json, record);
	json_string(&json, "role", role_name(container ? record->role : ROLE_HOST));
	if (container)
		json_uint(&json, "tasks_left", record->counts.tasks);
	else
		json_null(&json, "tasks_left");
	put_container(&json, container);
	json_object_end(&json);
	buf_putc(out, '\n');
}

static void put_ended(struct json *json, const char *key, const struct ended *ended)
{
	json_object_begin(json, key);
	json_int(json, "pid", ended->process.pid);
	json_string(json, "comm", ended->process.comm);
	put_status(json, ended->status);
	json_object_end(json);
}

static void put_init(struct json *json, const struct outcome *outcome)
{
	const struct container *container = outcome->container;

	if (container->init_exit.is_known) {
		put_ended(json, "init", &container->init_exit);
		return;
	}
	/* It lives (dry run), or its exit was not seen. */
	json_object_begin(json, "init");
	json_int(json, "pid", container->init.pid);
	json_string(json, "comm", container->init.comm);
	json_null(json, "exit_code");
	json_null(json, "signal");
	json_object_end(json);
}

const char *outcome_how_name(enum outcome_how how)
{
	static const char *const names[] = {
		[OUTCOME_SELF] = "self",
		[OUTCOME_SIGNAL] = "signal",
		[OUTCOME_KILL] = "kill",
		[OUTCOME_DRY_RUN] = "dry_run",
	};

	return names[how];
}

void event_json_outcome(struct buf *out, const struct outcome *outcome)
{
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	put_time(&json, outcome->time_ns);
	json_string(&json, "event", "finished");
	put_container(&json, outcome->container);
	json_string(&json, "policy", outcome->policy);
	json_string(&json, "how", outcome_how_name(outcome->how));
	if (outcome->container->last_task.is_known)
		put_ended(&json, "last_task", &outcome->container->last_task);
	else
		json_null(&json, "last_task");
	put_init(&json, outcome);
	json_double(&json, "settle_s", SECONDS(outcome->settle_ns), 3);
	if (outcome->has_latency)
		json_uint(&json, "latency_us", outcome->latency_ns / 1000);
	else
		json_null(&json, "latency_us");
	json_object_end(&json);
	buf_putc(out, '\n');
}
