// SPDX-License-Identifier: Apache-2.0
/* Answers "why": which policy, who is inside, what stands in the way, and what comes next. */
#include "api/explain.h"

#include <errno.h>
#include <string.h>

#include "agent/holders.h"
#include "agent/safety_checks.h"
#include "api/held.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "core/exit_status.h"
#include "host/procfs.h"
#include "out/container_json.h"
#include "out/fields.h"

/* How a gVisor container is watched, and what could be done about it. */
static void put_sandbox(const struct follower_shared *shared, const struct container *container,
			struct container_view *view)
{
	const struct gvisor_sandbox *sandbox = sandboxes_find(shared->sandboxes, container);

	if (!sandbox)
		return;
	view->watched_by = gvisor_mode_name(gvisor_sandbox_mode(sandbox));
	view->watched_why = gvisor_sandbox_reason(sandbox);
}

void explain_put_brief(struct json *json, const struct follower_shared *shared,
		       const struct container *container)
{
	struct container_view view = {
		.container = container,
		.is_dry_run = shared->is_dry_run,
		.now_ns = clock_boot_ns(),
	};
	struct follower_view follows;

	follower_look(container->follower, &follows);
	view.state = follows.state;
	view.choice = follows.choice;
	view.holder = follows.holder;
	if (container_is_guest(container))
		put_sandbox(shared, container, &view);
	view.has_memory = held_read_memory(shared->watch, container, &view.memory_bytes);
	container_json_put(json, &view);
}

/* --- whose it is, and where that was looked for --- */

static const char *identified_name(enum identified identified)
{
	static const char *const names[] = {
		[IDENTIFIED_PENDING] = "pending",   [IDENTIFIED_HALF] = "incomplete",
		[IDENTIFIED] = "complete",	    [IDENTIFIED_BY_PATH] = "none",
		[IDENTIFIED_PARTLY] = "unreadable",
	};

	return names[identified];
}

static void put_missing(struct json *json, const struct identity *identity)
{
	const struct {
		const char *name;
		bool is_missing;
	} parts[] = {
		{"name", !identity->name},
		{"image", !identity->image},
		{"labels", !identity->labels.count},
		{"pod", identity->pod_uid[0] && !identity->pod},
		{"namespace", identity->pod_uid[0] && !identity->namespace},
	};

	json_array_begin(json, "missing");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].is_missing)
			json_string(json, NULL, parts[i].name);
	json_array_end(json);
}

static void put_place(void *context, const char *dir, int err)
{
	struct json *json = context;

	if (err == -ENOENT)
		return;
	json_object_begin(json, NULL);
	json_string(json, "path", dir);
	json_string(json, "error", err ? strerror(-err) : NULL);
	json_object_end(json);
}

static void put_identity(struct json *json, struct watch *watch, const struct container *container)
{
	const struct unread *unread = &container->identity.unread;
	bool is_partly = container->identified == IDENTIFIED_PARTLY;

	json_object_begin(json, "identity");
	json_string(json, "state", identified_name(container->identified));
	put_missing(json, &container->identity);
	json_string(json, "unread_path", is_partly && unread->path[0] ? unread->path : NULL);
	json_string(json, "unread_error",
		    !is_partly		  ? NULL :
		    unread->err == EAGAIN ? "incomplete or malformed" :
					    strerror(unread->err));
	json_array_begin(json, "looked_in");
	(void)runtime_state_probe(watch_roots(watch), put_place, json); /* run refuses without */
	json_array_end(json);
	json_object_end(json);
}

/* --- which policy, and why --- */

static const char *verdict(const struct policy *policy, const struct policy_choice *choice,
			   enum policy_fit fits, bool is_decided)
{
	if (choice->policy == policy)
		return choice->why == POLICY_MATCHED ? "matched" : "chosen";
	if (is_decided)
		return "not reached";
	if (!policy->has_match || policy->is_for_choice)
		return "selectable only";
	if (fits == POLICY_UNREAD)
		return "unread";
	return fits == POLICY_DIFFERS ? "differs" : "overruled";
}

static void put_policies(struct json *json, const struct policy_set *set,
			 const struct container *container, const struct policy_choice *choice)
{
	struct policy_subject subject = follower_subject(container);
	bool is_decided = false;

	json_array_begin(json, "policies");
	for (size_t i = 0; i < set->count; i++) {
		const struct policy *policy = &set->policies[i];
		const char *key;
		enum policy_fit fits = policy_fits(policy, &subject, &key);

		json_object_begin(json, NULL);
		json_string(json, "name", policy->name);
		json_string(json, "action", policy_action_name(policy->action));
		json_string(json, "verdict", verdict(policy, choice, fits, is_decided));
		json_string(json, "key", fits != POLICY_FITS && policy->has_match ? key : NULL);
		json_object_end(json);
		is_decided = is_decided ||
			     (choice->why == POLICY_MATCHED && choice->policy == policy) ||
			     (choice->unread && choice->unread == policy);
	}
	json_array_end(json);
	json_string(json, "rejected_choice", choice->rejected);
}

/* --- who is inside --- */

static void put_member(struct json *json, struct watch *watch, const struct container *container,
		       const struct member *member)
{
	bool is_init = member->pid == container->init.pid;
	struct procfs_stat stat = {0};

	(void)procfs_read_stat(watch_proc(watch), member->pid, &stat); /* gone since: no name */
	json_object_begin(json, NULL);
	json_int(json, "pid", member->pid);
	json_string(json, "comm", stat.comm[0] ? stat.comm : NULL);
	/* In the container's cgroup, but unknown to the kernel side: it holds all the same. */
	json_string(json, "role",
		    is_init		      ? "init" :
		    member->role == ROLE_HOST ? "unknown" :
						role_name(member->role));
	json_bool(json, "is_dying", member->is_dying);
	json_bool(json, "is_outside", member->is_outside);
	json_object_end(json);
}

static void put_members(struct json *json, struct watch *watch, const struct container *container)
{
	_cleanup_free_ struct member *members = NULL;
	size_t count = 0;

	(void)holders_list(watch, container, &members, &count); /* gone: no process is inside */
	json_array_begin(json, "members");
	for (size_t i = 0; i < count; i++)
		put_member(json, watch, container, &members[i]);
	json_array_end(json);
}

/* --- what stands in the way --- */

static void put_guard(void *context, const char *name, int err, const char *text)
{
	struct json *json = context;

	json_object_begin(json, NULL);
	json_string(json, "name", name);
	json_bool(json, "is_ok", !err);
	json_string(json, "text", text);
	json_object_end(json);
}

/* The only one that needs no answer of the sandbox. */
static void put_guest_manager(struct json *json, const struct container *container,
			      const struct policy *policy)
{
	const struct policy_subject subject = follower_subject(container);
	struct error error;
	int err = policy_check_manager(policy, &subject, &error);

	put_guard(json, "manager", err,
		  err ? error.text : "init is a supervisor, or its policy names it");
}

static void put_blocked(struct json *json, const struct follower_view *view)
{
	if (!view->refusal[0]) {
		json_null(json, "blocked");
		return;
	}
	json_object_begin(json, "blocked");
	json_string(json, "check", view->blocked_by);
	json_string(json, "reason", view->refusal);
	json_object_end(json);
}

/* Which of the two times holds after the last exit, and why. */
static void put_settle(struct json *json, const struct container *container,
		       const struct follower_view *view)
{
	if (!container->last_task.time_ns) {
		json_null(json, "settle");
		return;
	}
	json_object_begin(json, "settle");
	json_string(json, "key", view->settle.key);
	json_double(json, "seconds", FIELDS_SECONDS(view->settle.ns), 3);
	json_string(json, "from", view->settle.from);
	json_string(json, "why", view->settle.why);
	json_object_end(json);
}

/* --- what comes next --- */

static void say_working(struct buf *text, const struct container *container)
{
	const struct abi_counts *counts = &container->counts;

	if (counts->tasks)
		buf_printf(text, "wait for the last exit: %u %s at work", counts->tasks,
			   counts->tasks == 1 ? "task is" : "tasks are");
	else if (counts->injected)
		buf_printf(text, "wait for %u injected %s to end", counts->injected,
			   counts->injected == 1 ? "process" : "processes");
	else
		buf_puts(text, "look again: a process in it is not known by its role");
}

static const char *no_policy_text(const struct policy_choice *choice)
{
	if (choice->is_off)
		return "nothing: the container itself chose `off`";
	if (choice->unread_key)
		return "nothing yet: what its policies ask about cannot be read";
	if (!choice->policy)
		return "nothing but watch: no policy matches";
	return choice->policy->action == POLICY_IGNORE ?
		       "nothing: its policy says `ignore`" :
		       "nothing but watch: its policy says `watch`";
}

static void say_settling(struct buf *text, const struct policy *policy, bool is_dry_run)
{
	char name[EXIT_STATUS_TEXT_SIZE];

	signal_name(policy->signal, name, sizeof(name));
	if (is_dry_run)
		buf_printf(text,
			   "look at everybody once more; if nobody lives, say that init would "
			   "be asked to end by %s",
			   name);
	else if (policy->status == POLICY_STATUS_SIGNAL)
		buf_printf(text,
			   "look at everybody once more; if nobody lives, ask init to end by %s",
			   name);
	else
		buf_puts(text, "look at everybody once more; if nobody lives, end init with the "
			       "status of its work");
}

static void say_next(struct buf *text, const struct follower_shared *shared,
		     const struct container *container, const struct follower_view *view)
{
	switch (view->state) {
	case LIFECYCLE_STARTING:
		buf_puts(text, view->acts_by ? "wait for a task: none has been seen yet" :
					       no_policy_text(view->choice));
		return;
	case LIFECYCLE_STOPPING:
		if (view->holder)
			buf_printf(text, "wait until process %d (%s) is dead; ", view->holder->pid,
				   member_kind(view->holder));
		if (view->refusal[0])
			buf_printf(text, "look again, since it is refused now: %s; else ",
				   view->refusal);
		buf_puts(text, "kill init, if it still lives and nobody else does");
		return;
	case LIFECYCLE_KILLING:
		buf_puts(text, "wait for init to die");
		return;
	case LIFECYCLE_GONE:
		buf_puts(text, "nothing: init has ended");
		return;
	default:
		break;
	}
	if (view->refusal[0])
		buf_printf(text, "nothing: %s", view->refusal);
	else if (view->holder)
		buf_printf(text, "wait until process %d (%s) is dead", view->holder->pid,
			   member_kind(view->holder));
	else if (!view->acts_by)
		buf_puts(text, no_policy_text(view->choice));
	else if (view->state == LIFECYCLE_WORKING)
		say_working(text, container);
	else
		say_settling(text, view->acts_by, shared->is_dry_run);
}

static void put_next(struct json *json, const struct follower_shared *shared,
		     const struct container *container, const struct follower_view *view)
{
	_cleanup_(buf_done) struct buf text = {0};
	uint64_t now_ns = clock_boot_ns();

	say_next(&text, shared, container, view);
	json_object_begin(json, "would");
	json_string(json, "text", text.data);
	if (view->deadline_ns && view->acts_by)
		json_double(
			json, "in_s",
			view->deadline_ns > now_ns ? FIELDS_SECONDS(view->deadline_ns - now_ns) : 0,
			3);
	else
		json_null(json, "in_s");
	json_object_end(json);
}

void explain_put_rest(struct json *json, const struct follower_shared *shared,
		      const struct container *container)
{
	struct follower_view view;

	follower_look(container->follower, &view);
	put_identity(json, shared->watch, container);
	put_policies(json, &shared->policies->set, container, view.choice);
	if (!container_is_guest(container))
		put_members(json, shared->watch, container);
	json_array_begin(json, "guards");
	if (!container_is_guest(container) && container->init.pid && view.state != LIFECYCLE_GONE)
		guard_explain(shared->watch, container, view.waits_by, !view.acts_by, put_guard,
			      json);
	else if (container_is_guest(container) && view.acts_by && view.state != LIFECYCLE_GONE)
		put_guest_manager(json, container, view.acts_by);
	json_array_end(json);
	put_blocked(json, &view);
	put_settle(json, container, &view);
	put_next(json, shared, container, &view);
}
