// SPDX-License-Identifier: Apache-2.0
#include "out/event_json.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "core/cputime.h"
#include "core/exit_status.h"
#include "out/fields.h"

static void put_times(struct json *json, const struct record_exit *record)
{
	uint64_t user_ns, system_ns;

	cputime_split(record->user_ns, record->system_ns, record->runtime_ns, &user_ns, &system_ns);
	json_double(json, "duration_s", FIELDS_SECONDS(record->head.time_ns - record->start_ns), 6);
	json_double(json, "cpu_user_s", FIELDS_SECONDS(user_ns), 6);
	json_double(json, "cpu_system_s", FIELDS_SECONDS(system_ns), 6);
	json_uint(json, "max_rss_bytes", record->max_rss_pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* What a replay of the exits has to know: who else holds the container, and what policies look at. */
static void put_rest(struct json *json, const struct record_exit *record,
		     const struct container *container)
{
	if (!container) {
		json_null(json, "injected_left");
		json_null(json, "init");
		return;
	}
	json_uint(json, "injected_left", record->counts.injected);
	fields_init(json, container);
}

void event_json_exit(struct buf *out, const struct record_exit *record,
		     const struct container *container)
{
	bool is_thread = record->head.flags & EXIT_THREAD;
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	fields_time(&json, record->head.time_ns);
	json_string(&json, "event", is_thread ? "thread_exit" : "exit");
	json_uint(&json, "pid", record->pid);
	if (is_thread)
		json_uint(&json, "tid", record->tid);
	json_uint(&json, "ppid", record->parent_pid);
	json_uint(&json, "ns_pid", record->ns_pid);
	json_uint(&json, "uid", record->uid);
	json_string_len(&json, "comm", record->comm, strnlen(record->comm, sizeof(record->comm)));
	fields_status(&json, record->status);
	json_bool(&json, "core_dumped", exit_status_core(record->status));
	json_bool(&json, "oom_killed", record->head.flags & EXIT_OOM);
	put_times(&json, record);
	json_string(&json, "role", role_name(container ? record->role : ROLE_HOST));
	if (container)
		json_uint(&json, "tasks_left", record->counts.tasks);
	else
		json_null(&json, "tasks_left");
	fields_container(&json, container);
	put_rest(&json, record, container);
	json_object_end(&json);
	buf_putc(out, '\n');
}

void event_json_exec(struct buf *out, const struct container *container)
{
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	fields_time(&json, container->life_ns);
	json_string(&json, "event", "exec");
	json_uint(&json, "pid", (uint64_t)container->init.pid);
	json_string(&json, "comm", container->init.comm);
	json_string(&json, "role", role_name(ROLE_INIT));
	json_uint(&json, "tasks_left", container->counts.tasks);
	fields_container(&json, container);
	json_uint(&json, "injected_left", container->counts.injected);
	fields_init(&json, container);
	json_object_end(&json);
	buf_putc(out, '\n');
}

static void put_init(struct json *json, const struct outcome *outcome)
{
	const struct container *container = outcome->container;

	if (container->init_exit.is_known)
		fields_ended(json, "init", &container->init_exit);
	else /* a dry run, or its exit was not seen */
		fields_living(json, "init", &container->init);
}

const char *outcome_how_name(enum outcome_how how)
{
	static const char *const names[] = {
		[OUTCOME_SELF] = "self",     [OUTCOME_SIGNAL] = "signal",   [OUTCOME_KILL] = "kill",
		[OUTCOME_STATUS] = "status", [OUTCOME_DRY_RUN] = "dry_run",
	};

	return names[how];
}

void event_json_outcome(struct buf *out, const struct outcome *outcome)
{
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	fields_time(&json, outcome->time_ns);
	json_string(&json, "event", "finished");
	fields_container(&json, outcome->container);
	json_string(&json, "policy", outcome->policy);
	json_string(&json, "how", outcome_how_name(outcome->how));
	if (outcome->container->last_task.is_known)
		fields_ended(&json, "last_task", &outcome->container->last_task);
	else
		json_null(&json, "last_task");
	put_init(&json, outcome);
	json_double(&json, "settle_s", FIELDS_SECONDS(outcome->settle_ns), 3);
	if (outcome->has_latency)
		json_uint(&json, "latency_us", outcome->latency_ns / 1000);
	else
		json_null(&json, "latency_us");
	json_bool(&json, "ordered", outcome->is_ordered);
	json_string(&json, "status_fallback", outcome->fallback);
	json_bool(&json, "status_unknown", outcome->is_unseen);
	json_object_end(&json);
	buf_putc(out, '\n');
}

void event_json_state(struct buf *out, uint64_t time_ns, const struct container *container,
		      const char *state)
{
	struct json json;

	json_init(&json, out);
	json_object_begin(&json, NULL);
	fields_time(&json, time_ns);
	json_string(&json, "event", "state");
	json_string(&json, "state", state);
	json_uint(&json, "tasks_left", container->counts.tasks);
	fields_container(&json, container);
	json_object_end(&json);
	buf_putc(out, '\n');
}
