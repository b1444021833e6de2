// SPDX-License-Identifier: Apache-2.0
#include "gvisor/request.h"

#include <stddef.h>

#include "base/json.h"

/* The only name that a session may have. */
static const char session_name[] = "Default";

static const char *const points[] = {
	"container/start",	     "sentry/clone",	 "sentry/execve",
	"sentry/exit_notify_parent", "sentry/task_exit", NULL,
};

/*
 * Without `cwd`: old releases read it with the task's lock held, and newer ones do not offer it with the
 * exit. A field or point that a release does not know is skipped, by ignore_missing.
 */
static const char *const fields[] = {
	"time",		"thread_id",   "group_id",     "thread_group_start_time",
	"container_id", "credentials", "process_name", NULL,
};

static void put_list(struct json *j, const char *key, const char *const *list)
{
	json_array_begin(j, key);
	for (; *list; list++)
		json_string(j, NULL, *list);
	json_array_end(j);
}

/*
 * No retries: they are slept through in the guest, which a reader that hangs would slow down. What does
 * not fit is dropped and counted, and the process list tells.
 */
static void put_sink(struct json *j, const char *endpoint)
{
	json_array_begin(j, "sinks");
	json_object_begin(j, NULL);
	json_string(j, "name", "remote");
	json_object_begin(j, "config");
	if (endpoint)
		json_string(j, "endpoint", endpoint);
	json_int(j, "retries", 0);
	json_object_end(j);
	/* A container starts, whether or not somebody listens. */
	json_bool(j, "ignore_setup_error", endpoint != NULL);
	json_object_end(j);
	json_array_end(j);
}

static void put_session(struct json *j, const char *key, const char *endpoint)
{
	json_object_begin(j, key);
	json_string(j, "name", session_name);
	json_bool(j, "ignore_missing", true);
	json_array_begin(j, "points");
	for (const char *const *point = points; *point; point++) {
		json_object_begin(j, NULL);
		json_string(j, "name", *point);
		put_list(j, "context_fields", fields);
		json_object_end(j);
	}
	json_array_end(j);
	put_sink(j, endpoint);
	json_object_end(j);
}

static void begin(struct json *j, struct buf *out, const char *method)
{
	json_init(j, out);
	json_object_begin(j, NULL);
	json_string(j, "method", method);
}

static void put_call(struct buf *out, const char *method, const char *argument)
{
	struct json j;

	begin(&j, out, method);
	json_string(&j, "arg", argument);
	json_object_end(&j);
}

void gvisor_request_sessions(struct buf *out)
{
	put_call(out, "containerManager.ListTraceSessions", NULL);
}

void gvisor_request_create(struct buf *out, bool is_forced)
{
	struct json j;

	begin(&j, out, "containerManager.CreateTraceSession");
	json_object_begin(&j, "arg");
	put_session(&j, "Config", NULL);
	json_bool(&j, "Force", is_forced);
	json_object_end(&j);
	json_object_end(&j);
}

void gvisor_request_delete(struct buf *out)
{
	put_call(out, "containerManager.DeleteTraceSession", session_name);
}

void gvisor_request_processes(struct buf *out, const char *container)
{
	put_call(out, "containerManager.Processes", container);
}

void gvisor_request_dump(struct buf *out)
{
	put_call(out, "containerManager.ProcfsDump", NULL);
}

void gvisor_request_signal(struct buf *out, const char *container, int signal)
{
	struct json j;

	begin(&j, out, "containerManager.Signal");
	json_object_begin(&j, "arg");
	json_string(&j, "CID", container);
	json_int(&j, "Signo", signal);
	json_int(&j, "PID", 0);	 /* init */
	json_int(&j, "Mode", 0); /* that process alone */
	json_object_end(&j);
	json_object_end(&j);
}

void gvisor_request_pod_init(struct buf *out, const char *endpoint)
{
	struct json j;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	put_session(&j, "trace_session", endpoint);
	json_object_end(&j);
}
