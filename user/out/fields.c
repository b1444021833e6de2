// SPDX-License-Identifier: Apache-2.0
#include "out/fields.h"

#include "base/clock.h"
#include "core/exit_status.h"
#include "core/managers.h"

void fields_time(struct json *json, uint64_t boot_ns)
{
	char time[40];

	clock_format_rfc3339(boot_ns, time, sizeof(time));
	json_string(json, "time", time);
}

void fields_status(struct json *json, int status)
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

void fields_ended(struct json *json, const char *key, const struct ended *ended)
{
	json_object_begin(json, key);
	json_int(json, "pid", ended->process.pid);
	json_string(json, "comm", ended->process.comm);
	fields_status(json, ended->status);
	json_object_end(json);
}

void fields_living(struct json *json, const char *key, const struct process *process)
{
	json_object_begin(json, key);
	json_int(json, "pid", process->pid);
	json_string(json, "comm", process->comm);
	fields_no_status(json);
	json_object_end(json);
}

void fields_no_status(struct json *json)
{
	json_null(json, "exit_code");
	json_null(json, "signal");
}

void fields_identity(struct json *json, const struct identity *identity)
{
	json_string(json, "id", identity->id);
	json_string(json, "name", identity->name);
	json_string(json, "runtime", runtime_name(identity->runtime));
	json_string(json, "image", identity->image);
	json_string(json, "pod", identity->pod);
	json_string(json, "namespace", identity->namespace);
	json_string(json, "pod_uid", identity->pod_uid[0] ? identity->pod_uid : NULL);
}

void fields_container(struct json *json, const struct container *container)
{
	if (!container) {
		json_null(json, "container");
		return;
	}
	json_object_begin(json, "container");
	fields_identity(json, &container->identity);
	json_object_end(json);
}

void fields_init(struct json *json, const struct container *container)
{
	const char *program = command_line_program(&container->init_args);
	const char *led = command_line_program(&container->led_args);
	const struct manager *manager = manager_of(&container->init_args, &container->led_args);

	if (!container->init.pid) {
		json_null(json, "init");
		return;
	}
	json_object_begin(json, "init");
	json_int(json, "pid", container->init.pid);
	json_string(json, "comm", container->init.comm);
	json_string(json, "argv0", command_line_argument(&container->init_args, 0));
	json_string(json, "program", program[0] ? program : NULL);
	json_string(json, "leads_to", led[0] ? led : NULL);
	json_string(json, "manager", manager ? manager->name : NULL);
	json_object_end(json);
}
