// SPDX-License-Identifier: Apache-2.0
#include "agent/safety_checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/procfs.h"

/* What every guard is given. */
struct guarded {
	struct watch *watch;
	const struct container *container;
	const struct policy *policy;
	bool is_requested;
	int cgroups_err; /* of reading init's cgroups, for those who ask about them */
	char cgroups[PROCFS_CGROUPS_SIZE];
};

static void look_at_init(struct guarded *on, struct watch *watch, const struct container *container,
			 const struct policy *policy)
{
	on->watch = watch;
	on->container = container;
	on->policy = policy;
	on->is_requested = false;
	on->cgroups_err = procfs_read_cgroups(watch_proc(watch), container->init.pid, on->cgroups);
}

static int find_cgroup(const struct guarded *on, const char *controller, char *ret_path,
		       size_t size)
{
	return on->cgroups_err ? on->cgroups_err :
				 procfs_find_cgroup(on->cgroups, controller, ret_path, size);
}

/* v1: the freezer is a hierarchy of its own, where the container may be elsewhere. */
static bool is_paused(const struct guarded *on)
{
	const struct hierarchy *hierarchy = watch_hierarchy(on->watch);
	char path[PATH_MAX] = "";

	if (hierarchy->controller[0] && find_cgroup(on, "freezer", path, sizeof(path)) < 0)
		return false; /* init is gone, or there is no freezer that could hold it */
	return cgroupfs_is_frozen(hierarchy, on->container->path, path);
}

static int check_paused(const struct guarded *on, struct error *error)
{
	return is_paused(on) ?
		       error_set(error, -EAGAIN, "it is paused: left alone until it is resumed") :
		       0;
}

bool guard_is_sandbox(struct watch *watch, const struct container *container)
{
	/* Later releases have another program for it, gvisor_sentry. */
	static const char *const prefixes[] = {"runsc", "gvisor"};
	char program[PATH_MAX];
	const char *name;

	if (procfs_read_program(watch_proc(watch), container->init.pid, program, sizeof(program)) <
	    0)
		return false;
	name = strrchr(program, '/');
	name = name ? name + 1 : program;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int check_target(const struct guarded *on, struct error *error)
{
	pid_t pid = on->container->init.pid;

	if (pid <= 1 || pid == getpid())
		return error_set(error, -EPERM, "its init is the host's, or lastout itself");
	if (on->container->identity.is_sandbox || strcmp(on->container->init.comm, "pause") == 0)
		return error_set(error, -EPERM, "it is a pod's pause container");
	/* Whoever ends it ends all containers in it, and by no status. */
	if (guard_is_sandbox(on->watch, on->container))
		return error_set(error, -EPERM, "it is a gVisor sandbox's own process");
	return 0;
}

/*
 * In Kubernetes a policy may go by namespace, and one that says `ignore` must not fail for want of
 * it. What is still being written is worth a moment.
 */
static int check_identified(const struct guarded *on, struct error *error)
{
	const struct container *container = on->container;
	bool is_short = container->identity.pod_uid[0] && !container->identity.namespace;
	const struct unread *unread = &container->identity.unread;

	if (container->identified == IDENTIFIED_HALF ||
	    (is_short && container->identified == IDENTIFIED_PENDING))
		return error_set(error, -EAGAIN, "its runtime is still writing down what it is");
	/* A policy that says `ignore` may match by what is missing. */
	if (container->identified == IDENTIFIED_PARTLY && unread->err != EAGAIN)
		return error_set(error, -EPERM, "its runtime's state could not be read: %s: %s",
				 unread->path, strerror(unread->err));
	if (is_short)
		return error_set(
			error, -EPERM,
			"it is in a pod, but its namespace is not known: does state_dirs "
			"of the configuration name the place where its runtime keeps state?");
	return 0;
}

/* A zombie may be a leader alone, whose threads go on. */
static bool is_over(const char *proc, pid_t pid, const struct procfs_stat *stat)
{
	return (stat->state == 'Z' || stat->state == 'X') && procfs_is_dying(proc, pid);
}

static int check_process(const struct guarded *on, struct error *error)
{
	const struct process *init = &on->container->init;
	const char *proc = watch_proc(on->watch);
	struct procfs_stat stat;
	int err = procfs_read_stat(proc, init->pid, &stat);

	if (!err && (!procfs_is_start(&stat, init->start_ns) || is_over(proc, init->pid, &stat)))
		err = -ESRCH;
	return err ? error_set(error, err, "init cannot be looked at: %s", strerror(-err)) : 0;
}

/* The same cgroup, or one nested in it. */
static bool is_within(const char *path, const char *container)
{
	size_t len = strlen(container);

	return strncmp(path, container, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool is_listed(const struct guarded *on, int *ret_err)
{
	bool is_there = false;
	pid_t *pids = NULL;
	size_t count = 0;

	*ret_err = cgroupfs_read_procs(watch_hierarchy(on->watch), on->container->path, &pids,
				       &count);
	for (size_t i = 0; i < count && !is_there; i++)
		is_there = pids[i] == on->container->init.pid;
	free(pids); /* by hand: clang-tidy 14 does not follow cleanup attributes */
	return is_there;
}

/*
 * The path in /proc/PID/cgroup is told relative to the cgroup namespace of whoever reads it, and in a
 * Kubernetes pod on v2 that is one of lastout's own: then the cgroup's list decides.
 */
static int check_cgroup(const struct guarded *on, struct error *error)
{
	char path[PATH_MAX];
	int err = find_cgroup(on, watch_hierarchy(on->watch)->controller, path, sizeof(path));

	if (!err && is_within(path, on->container->path))
		return 0;
	if (is_listed(on, &err))
		return 0;
	if (err)
		return error_set(error, err, "its cgroup cannot be read: %s", strerror(-err));
	return error_set(error, -EPERM, "it has left the container's cgroup");
}

/* Does the runtime's own state name this very process as the container's init? */
static bool is_named_by_state(const struct guarded *on)
{
	const struct identity *identity = &on->container->identity;
	struct procfs_stat stat;

	if (!identity->init_pid || identity->init_pid != on->container->init.pid)
		return false;
	return !identity->init_start_ticks ||
	       (procfs_read_stat(watch_proc(on->watch), identity->init_pid, &stat) == 0 &&
		stat.start_ticks == identity->init_start_ticks);
}

static int check_foreign_namespace(const struct guarded *on, const char *whose, struct error *error)
{
	if (!on->policy || !on->policy->host_pid_allowed)
		return error_set(error, -EPERM, "%s", whose);
	if (!is_named_by_state(on))
		return error_set(error, -EPERM,
				 "%s, and its runtime's state does not name it as init", whose);
	return 0;
}

/* Ours is the same for as long as we live. */
static int read_own_pid_namespace(const char *proc, ino_t *ret_inode)
{
	static ino_t own;
	int err = own ? 0 : procfs_read_pid_namespace(proc, getpid(), &own);

	*ret_inode = own;
	return err;
}

/* Whoever ends the PID 1 of a namespace ends everybody in it: it must be this container's own. */
static int check_pid_namespace(const struct guarded *on, struct error *error)
{
	const char *proc = watch_proc(on->watch);
	pid_t pid = on->container->init.pid, ns_pid = 1;
	const struct container *other;
	struct error whose;
	ino_t inode, own;
	int err;

	err = procfs_read_pid_namespace(proc, pid, &inode);
	if (!err)
		err = read_own_pid_namespace(proc, &own);
	if (!err && !on->container->is_pid_1)
		err = procfs_read_ns_pid(proc, pid, &ns_pid);
	if (err)
		return error_set(error, err, "its PID namespace cannot be read: %s",
				 strerror(-err));
	if (inode == PROCFS_HOST_PID_NAMESPACE || inode == own)
		return check_foreign_namespace(on, "it is in the host's PID namespace", error);
	if (ns_pid != 1)
		return check_foreign_namespace(
			on, "it is not PID 1 of its PID namespace: a shared one", error);
	other = watch_find_pid_namespace(on->watch, on->container, inode);
	if (!other)
		return 0;
	(void)error_set(&whose, 0, "its PID namespace is shared with container %s",
			container_name(other));
	return check_foreign_namespace(on, whose.text, error);
}

static int check_manager(const struct guarded *on, struct error *error)
{
	const struct container *container = on->container;
	const struct policy_subject subject = {
		.identity = &container->identity,
		.cgroup = container->path,
		.comm = container->init.comm,
		.init_args = &container->init_args,
		.led_args = &container->led_args,
		.formers = container->formers,
		.former_count = container->former_count,
	};

	if (on->is_requested || !on->policy)
		return 0;
	return policy_check_manager(on->policy, &subject, error);
}

static const struct {
	const char *name;
	int (*check)(const struct guarded *on, struct error *error);
	const char *fine;
} guards[] = {
	{"process", check_process, "init lives, and is the process that was found"},
	{"paused", check_paused, "it is not paused"},
	{"target", check_target, "neither the host's, nor lastout, nor a pause container"},
	{"identity", check_identified, "whose it is, is known"},
	{"cgroup", check_cgroup, "init is in the container's cgroup"},
	{"pid_namespace", check_pid_namespace, "init's PID namespace is no obstacle"},
	{"manager", check_manager, "init is a supervisor, or its policy names it"},
};

enum { GUARD_COUNT = sizeof(guards) / sizeof(guards[0]) };

const char *guard_check_name(size_t number)
{
	if (number < GUARD_COUNT)
		return guards[number].name;
	return number == GUARD_COUNT ? "limit" : NULL;
}

int guard_check_init(struct watch *watch, const struct container *container,
		     const struct policy *policy, bool is_requested, const char **ret_check,
		     struct error *error)
{
	struct guarded on;
	int err = 0;

	look_at_init(&on, watch, container, policy);
	on.is_requested = is_requested;
	for (int i = 0; i < GUARD_COUNT && !err; i++) {
		err = guards[i].check(&on, error);
		if (err)
			*ret_check = guards[i].name;
	}
	return err;
}

void guard_explain(struct watch *watch, const struct container *container,
		   const struct policy *policy, bool is_requested, guard_tell_fn tell,
		   void *context)
{
	struct guarded on;
	struct error error;

	look_at_init(&on, watch, container, policy);
	on.is_requested = is_requested;
	for (int i = 0; i < GUARD_COUNT; i++) {
		int err = guards[i].check(&on, &error);

		tell(context, guards[i].name, err, err ? error.text : guards[i].fine);
	}
}

bool guard_is_paused(struct watch *watch, const struct container *container)
{
	struct guarded on;

	look_at_init(&on, watch, container, NULL);
	return is_paused(&on);
}
