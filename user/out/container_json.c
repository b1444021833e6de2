// SPDX-License-Identifier: Apache-2.0
#include "out/container_json.h"

#include "out/fields.h"

const char *container_policy_why(const struct policy_choice *choice)
{
	static const char *const names[] = {
		[POLICY_NONE] = NULL,
		[POLICY_MATCHED] = "match",
		[POLICY_BY_LABEL] = "label",
		[POLICY_BY_ANNOTATION] = "annotation",
		[POLICY_BY_ENV] = "environment",
	};

	return choice->is_off ? "off" : names[choice->why];
}

/* Without a policy, lastout watches. */
static const char *action_name(const struct policy_choice *choice)
{
	static const char *const names[] = {
		[POLICY_FINISH] = "finish",
		[POLICY_WATCH] = "watch",
		[POLICY_IGNORE] = "ignore",
	};

	return choice->policy ? names[choice->policy->action] : names[POLICY_WATCH];
}

static void put_last_exit(struct json *json, const struct ended *last)
{
	if (!last->time_ns) {
		json_null(json, "last_exit");
		return;
	}
	json_object_begin(json, "last_exit");
	fields_time(json, last->time_ns);
	json_int(json, "pid", last->process.pid);
	json_string(json, "comm", last->process.comm[0] ? last->process.comm : NULL);
	if (last->is_known)
		fields_status(json, last->status);
	else
		fields_no_status(json);
	json_object_end(json);
}

/* As Kubernetes has it: 1024 shares a core, and 2 for a container that requests none. */
static void put_cpu_request(struct json *json, const struct identity *identity)
{
	if (!identity->pod_uid[0] || !identity->cpu_shares)
		json_null(json, "cpu_request");
	else
		json_double(json, "cpu_request",
			    identity->cpu_shares <= 2 ? 0 : (double)identity->cpu_shares / 1024, 3);
}

static void put_holder(struct json *json, const struct member *holder)
{
	if (!holder) {
		json_null(json, "held_by");
		return;
	}
	json_object_begin(json, "held_by");
	json_int(json, "pid", holder->pid);
	json_string(json, "kind", member_kind(holder));
	json_object_end(json);
}

void container_json_put(struct json *json, const struct container_view *view)
{
	const struct container *container = view->container;
	const struct ended *last = &container->last_task;
	const struct policy_choice *choice = view->choice;

	fields_identity(json, &container->identity);
	json_string(json, "cgroup", container->path);
	json_string(json, "state", lifecycle_state_name(view->state));
	put_holder(json, view->holder);
	json_string(json, "policy", choice->policy ? choice->policy->name : NULL);
	json_string(json, "policy_why", container_policy_why(choice));
	json_string(json, "action", action_name(choice));
	json_bool(json, "dry_run", view->is_dry_run);
	json_uint(json, "tasks", container->counts.tasks);
	json_uint(json, "helpers", container->counts.helpers);
	json_uint(json, "injected", container->counts.injected);
	fields_init(json, container);
	put_last_exit(json, last);
	if (last->time_ns && !container->counts.tasks)
		json_double(json, "idle_s", FIELDS_SECONDS(view->now_ns - last->time_ns), 3);
	else
		json_null(json, "idle_s");
	if (view->has_memory)
		json_uint(json, "memory_bytes", view->memory_bytes);
	else
		json_null(json, "memory_bytes");
	put_cpu_request(json, &container->identity);
	json_string(json, "watched_by", view->watched_by ? view->watched_by : "events");
	json_string(json, "watched_why",
		    view->watched_why && view->watched_why[0] ? view->watched_why : NULL);
}
