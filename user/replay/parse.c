// SPDX-License-Identifier: Apache-2.0
#include "replay/parse.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/exit_status.h"

/* A process may be as old as its machine; more is a mistake. */
#define DURATION_MAX_S 1e10

/* --- members of an object --- */

/* NULL if it is none, or too long to be one of ours. */
static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool take_text(const json_t *object, const char *key, char *ret_text, size_t size)
{
	const char *text = text_of(object, key);

	if (!text || strlen(text) >= size)
		return false;
	memcpy(ret_text, text, strlen(text) + 1);
	return true;
}

/* A name of a process; where bytes that are no UTF-8 have become longer in JSON, it is cut. */
static bool take_comm(const json_t *object, const char *key, struct process *process)
{
	const char *text = text_of(object, key);
	size_t len = text ? strnlen(text, sizeof(process->comm) - 1) : 0;

	if (text)
		memcpy(process->comm, text, len);
	process->comm[len] = '\0';
	return text;
}

static bool take_number(const json_t *object, const char *key, uint32_t *ret_number)
{
	const json_t *number = json_object_get(object, key);
	json_int_t value = json_integer_value(number);

	if (!json_is_integer(number) || value < 0 || value > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)value;
	return true;
}

static bool take_pid(const json_t *object, const char *key, pid_t *ret_pid)
{
	uint32_t pid;

	if (!take_number(object, key, &pid) || pid > INT32_MAX)
		return false;
	*ret_pid = (pid_t)pid;
	return true;
}

/* A copy into *ret_copy, if there is such a text. False: out of memory. */
static bool copy_text(const json_t *object, const char *key, char **ret_copy)
{
	const char *text = text_of(object, key);

	if (!text)
		return true;
	*ret_copy = strdup(text);
	return *ret_copy;
}

/* A status as wait4 gives it, of what JSON has in two keys of these names. */
static bool take_status(const json_t *object, const char *code_key, const char *signal_key,
			int *ret_status)
{
	const char *signal = text_of(object, signal_key);
	uint32_t code;

	if (signal) {
		*ret_status = signal_parse(signal);
		return *ret_status > 0;
	}
	if (!take_number(object, code_key, &code) || code > 255)
		return false;
	*ret_status = (int)(code << 8);
	return true;
}

/* --- what several lines have --- */

static int take_identity(const json_t *object, const char *id_key, struct identity *identity)
{
	const char *runtime = text_of(object, "runtime");

	if (!take_text(object, id_key, identity->id, sizeof(identity->id)) || !identity->id[0])
		return -EINVAL;
	if (runtime)
		identity->runtime = runtime_parse(runtime);
	(void)take_text(object, "pod_uid", identity->pod_uid, sizeof(identity->pod_uid));
	if (!copy_text(object, "name", &identity->name) ||
	    !copy_text(object, "image", &identity->image) ||
	    !copy_text(object, "pod", &identity->pod) ||
	    !copy_text(object, "namespace", &identity->namespace))
		return -ENOMEM;
	return 0;
}

static void take_ended(const json_t *object, const char *keys[4], uint64_t time_ns,
		       struct ended *ret_ended)
{
	struct ended ended = {.time_ns = time_ns, .is_known = true};

	if (take_pid(object, keys[0], &ended.process.pid) &&
	    take_comm(object, keys[1], &ended.process) &&
	    take_status(object, keys[2], keys[3], &ended.status))
		*ret_ended = ended;
}

/* The first argument and the program: what is recorded of them all, and what is asked about. */
static void take_init_args(const json_t *object, struct replay_record *record)
{
	const char *argv0 = text_of(object, "argv0"), *program = text_of(object, "program");
	const char *leads_to = text_of(object, "leads_to");

	if (leads_to)
		command_line_add(&record->led_args, leads_to);
	if (!argv0)
		return;
	command_line_add(&record->init_args, argv0);
	if (program && strcmp(program, command_line_last_part(argv0)) != 0)
		command_line_add(&record->init_args, program);
}

/* An object, or nothing. */
static void take_init(const json_t *init, struct replay_record *record)
{
	(void)take_pid(init, "pid", &record->init.pid);
	(void)take_comm(init, "comm", &record->init);
	take_init_args(init, record);
}

/* --- the kinds of line --- */

static bool find_role(const char *name, enum role *ret_role)
{
	for (enum role role = 0; name && role < ROLE_COUNT; role++) {
		if (strcmp(role_name(role), name) == 0) {
			*ret_role = role;
			return true;
		}
	}
	return false;
}

static int parse_exit(const json_t *line, struct replay_record *record, const char **ret_reason)
{
	const json_t *container = json_object_get(line, "container");
	const json_t *duration = json_object_get(line, "duration_s");
	double duration_s = json_number_value(duration);
	uint64_t age_ns;

	*ret_reason = "an exit without all that it should have";
	if (json_is_null(container))
		return 0; /* the host's: nothing to do with any container */
	record->kind = REPLAY_EXIT;
	if (!take_pid(line, "pid", &record->process.pid) ||
	    !take_comm(line, "comm", &record->process) ||
	    !take_status(line, "exit_code", "signal", &record->status) ||
	    !find_role(text_of(line, "role"), &record->role) ||
	    !take_number(line, "tasks_left", &record->tasks_left) || !json_is_number(duration) ||
	    !(duration_s >= 0 && duration_s < DURATION_MAX_S))
		return -EINVAL;
	age_ns = (uint64_t)(duration_s * 1e9);
	record->process.start_ns = age_ns < record->time_ns ? record->time_ns - age_ns : 0;
	record->has_injected_left = take_number(line, "injected_left", &record->injected_left);
	take_init(json_object_get(line, "init"), record);
	return take_identity(container, "id", &record->identity);
}

static int parse_found(const json_t *line, struct replay_record *record, enum replay_kind kind)
{
	record->kind = kind;
	(void)take_comm(line, "init", &record->init);
	(void)take_pid(line, "init_pid", &record->init.pid);
	take_init_args(line, record);
	(void)take_number(line, "tasks", &record->counts.tasks);
	if (!copy_text(line, "cgroup", &record->cgroup))
		return -ENOMEM;
	return take_identity(line, "container", &record->identity);
}

static bool find_state(const char *name, enum lifecycle_state *ret_state)
{
	for (enum lifecycle_state state = 0; name && state < LIFECYCLE_STATE_COUNT; state++) {
		if (strcmp(lifecycle_state_name(state), name) == 0) {
			*ret_state = state;
			return true;
		}
	}
	return false;
}

static bool find_event(const char *name, enum lifecycle_event *ret_event)
{
	for (enum lifecycle_event event = 0; name && event < LIFECYCLE_EVENT_COUNT; event++) {
		if (strcmp(lifecycle_event_name(event), name) == 0) {
			*ret_event = event;
			return true;
		}
	}
	return false;
}

static int parse_state(const json_t *line, struct replay_record *record, const char **ret_reason)
{
	static const char *last_keys[] = {"last_pid", "last_comm", "last_exit_code", "last_signal"};
	uint32_t lived_ms;

	*ret_reason = "a change of state without all that it should have";
	record->kind = REPLAY_STATE;
	if (!find_state(text_of(line, "from"), &record->from) ||
	    !find_state(text_of(line, "to"), &record->to) ||
	    !find_event(text_of(line, "why"), &record->why) ||
	    !take_number(line, "tasks", &record->counts.tasks) ||
	    !take_number(line, "injected", &record->counts.injected))
		return -EINVAL;
	take_ended(line, last_keys, record->time_ns, &record->last_task);
	if (take_number(line, "last_lived_ms", &lived_ms) &&
	    lived_ms * NS_PER_MS < record->last_task.time_ns)
		record->last_task.process.start_ns = record->last_task.time_ns -
						     lived_ms * NS_PER_MS;
	return take_identity(line, "container", &record->identity);
}

/* Of tail. */
static int parse_exec(const json_t *line, struct replay_record *record)
{
	record->kind = REPLAY_EXEC;
	(void)take_number(line, "tasks_left", &record->counts.tasks);
	take_init(json_object_get(line, "init"), record);
	return take_identity(json_object_get(line, "container"), "id", &record->identity);
}

static int parse_put_off(const json_t *line, struct replay_record *record)
{
	record->kind = REPLAY_PUT_OFF;
	return take_identity(line, "container", &record->identity);
}

static int parse_outcome(const json_t *line, struct replay_record *record, const char **ret_reason)
{
	static const char *keys[] = {"pid", "comm", "exit_code", "signal"};
	const char *how = text_of(line, "how");

	*ret_reason = "an outcome without all that it should have";
	record->kind = REPLAY_OUTCOME;
	if (!how)
		return -EINVAL;
	record->was_asked = strcmp(how, "self") != 0 && strcmp(how, "dry_run") != 0;
	take_ended(json_object_get(line, "last_task"), keys, record->time_ns, &record->last_task);
	take_init(json_object_get(line, "init"), record);
	return take_identity(json_object_get(line, "container"), "id", &record->identity);
}

static int parse_event(const json_t *line, struct replay_record *record, const char **ret_reason)
{
	const char *time = text_of(line, "time"), *event = text_of(line, "event");

	*ret_reason = "no object with `time` and `event`";
	if (!time || !event || clock_parse_rfc3339(time, &record->time_ns) < 0)
		return -EINVAL;
	*ret_reason = "a container without an id";
	if (strcmp(event, "exit") == 0)
		return parse_exit(line, record, ret_reason);
	if (strcmp(event, "finished") == 0)
		return parse_outcome(line, record, ret_reason);
	if (strcmp(event, "exec") == 0 && !text_of(line, "level"))
		return parse_exec(line, record);
	/* What follows is the log's; the socket's stream has a `state` of another shape. */
	if (!text_of(line, "level"))
		return 0;
	if (strcmp(event, "container") == 0)
		return parse_found(line, record, REPLAY_FOUND);
	if (strcmp(event, "init") == 0)
		return parse_found(line, record, REPLAY_INIT);
	if (strcmp(event, "exec") == 0) {
		record->is_logged = true;
		return parse_found(line, record, REPLAY_EXEC);
	}
	if (strcmp(event, "state") == 0 || strcmp(event, "settle_again") == 0)
		return parse_state(line, record, ret_reason);
	if (strcmp(event, "put_off") == 0)
		return parse_put_off(line, record);
	return 0;
}

int replay_parse(const char *line, size_t len, struct replay_record *ret_record,
		 const char **ret_reason)
{
	struct replay_record record = {0};
	json_error_t error;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!root) {
		*ret_reason = "no JSON";
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	}
	err = parse_event(root, &record, ret_reason);
	json_decref(root);
	if (err) {
		replay_record_done(&record);
		return err;
	}
	*ret_record = record;
	return 0;
}

void replay_record_done(struct replay_record *record)
{
	identity_done(&record->identity);
	free(record->cgroup);
	memset(record, 0, sizeof(*record));
}
