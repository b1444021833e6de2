// SPDX-License-Identifier: Apache-2.0
#include "sys/state_containerd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/oci_spec.h"
#include "sys/state_dirs.h"
#include "sys/state_file.h"
#include "sys/state_json.h"
#include "sys/state_oci.h"

#define TASKS	 "io.containerd.runtime.v2.task"
#define RUNC_DIR "/run/containerd/runc" /* the shim's own, wherever containerd's state is */

enum { OPTIONS_SIZE_MAX = 1 << 16, PID_SIZE_MAX = 32, PATH_SIZE = 512 };

/* A task that was found; `path` is NAMESPACE/ID. */
struct task {
	int dir;
	char namespace[128];
	char path[PATH_SIZE];
};

static int open_tasks(const struct runtime_roots *roots, const char *state)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/" TASKS, state);

	return len < 0 || len >= (int)sizeof(path) ? -ENAMETOOLONG :
						     state_dir_open(roots->root, path);
}

/* The last component but one, if that can be a namespace. */
static bool read_parent(const char *cgroup_path, char *ret_parent, size_t size)
{
	const char *name = strrchr(cgroup_path, '/'), *start = name;
	int len;

	if (!name)
		return false;
	while (start > cgroup_path && start[-1] != '/')
		start--;
	len = snprintf(ret_parent, size, "%.*s", (int)(name - start), start);
	return len > 0 && (size_t)len < size && state_id_is_valid(ret_parent);
}

static bool has_task(struct task *task, const char *id)
{
	int len = snprintf(task->path, sizeof(task->path), "%s/%s", task->namespace, id);

	return len > 0 && len < (int)sizeof(task->path) && state_dir_has(task->dir, task->path);
}

bool state_containerd_identify(const struct runtime_roots *roots, const char *cgroup_path,
			       struct cgroup_identity *ret_identity)
{
	const char *const *states = state_dirs(roots, RUNTIME_DIR_CONTAINERD);
	const char *id = strrchr(cgroup_path, '/');
	struct task task;

	if (!id || !state_id_is_valid(id + 1) ||
	    !read_parent(cgroup_path, task.namespace, sizeof(task.namespace)))
		return false;
	for (; *states; states++) {
		_cleanup_close_ int dir = open_tasks(roots, *states);

		task.dir = dir;
		if (dir < 0 || !has_task(&task, id + 1))
			continue;
		memset(ret_identity, 0, sizeof(*ret_identity));
		ret_identity->runtime = RUNTIME_CONTAINERD;
		(void)snprintf(ret_identity->id, sizeof(ret_identity->id), "%s", id + 1);
		return true;
	}
	return false;
}

/* --- reading --- */

struct namespace_search {
	struct task *task;
	const char *id;
	bool is_found;
};

static bool match_namespace(void *context, const char *namespace)
{
	struct namespace_search *search = context;

	if (strlen(namespace) >= sizeof(search->task->namespace))
		return true;
	(void)snprintf(search->task->namespace, sizeof(search->task->namespace), "%s", namespace);
	search->is_found = has_task(search->task, search->id);
	return !search->is_found;
}

/* An id that was drawn is nobody else's; another one needs its namespace, which the path has. */
static bool find_task(struct task *task, const char *cgroup_path, const char *id)
{
	struct namespace_search search = {task, id, false};

	if (!state_id_is_generated(id))
		return read_parent(cgroup_path, task->namespace, sizeof(task->namespace)) &&
		       has_task(task, id);
	state_dir_scan(task->dir, match_namespace, &search);
	return search.is_found;
}

static bool is_in(const struct task *task, const char *namespace)
{
	return strcmp(task->namespace, namespace) == 0;
}

static int read_orders(const struct task *task, struct identity *identity)
{
	enum oci_pod pod = is_in(task, "k8s.io") ? OCI_POD_CRI : OCI_POD_NONE;
	int err = oci_spec_read(task->dir, task->path, pod, identity);
	const char *name = identity_pairs_find(&identity->annotations, "nerdctl/name");

	if (err == -ENOENT) /* the folder is there, so it is being written */
		return -EAGAIN;
	if (err)
		return err == -EAGAIN || err == -ENOMEM ? err : 0;
	if (is_in(task, "k8s.io") || is_in(task, "moby"))
		return 0;
	if (!name && !state_id_is_generated(identity->id))
		name = identity->id;
	return state_json_set(&identity->name, name);
}

/* Docker gives the shim another root for runc, and the shim leaves that in options.json. */
static int read_runc(const struct runtime_roots *roots, const struct task *task,
		     const char *cgroup_path, struct identity *identity)
{
	_cleanup_(state_json_done) json_t *options = NULL;
	const char *root = NULL;
	char path[PATH_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/options.json", task->path);
	if (state_json_read(task->dir, path, OPTIONS_SIZE_MAX, &options) == 0)
		root = state_json_string(options, "root");
	return state_oci_read_engine(roots->root, root && root[0] == '/' ? root : RUNC_DIR,
				     task->namespace, cgroup_path, identity);
}

static pid_t read_pid(const struct task *task)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_SIZE + 16], *end;
	size_t len;
	long pid;

	(void)snprintf(path, sizeof(path), "%s/init.pid", task->path);
	if (state_file_read(task->dir, path, PID_SIZE_MAX, &text, &len) < 0)
		return 0;
	pid = strtol(text, &end, 10);
	return end == text || (*end && *end != '\n') || pid <= 0 || pid > INT_MAX ? 0 : (pid_t)pid;
}

/* runc's state tells init's start too; what is no runc (Kata, gVisor) leaves only the number. */
static int read_init(const struct runtime_roots *roots, const struct task *task,
		     const char *cgroup_path, struct identity *identity)
{
	int err = read_runc(roots, task, cgroup_path, identity);

	if (err == -EAGAIN || err == -ENOMEM)
		return err;
	if (!identity->init_pid)
		identity->init_pid = read_pid(task);
	return identity->init_pid ? 0 : -EAGAIN;
}

static int read_task(const struct runtime_roots *roots, const struct task *task,
		     const char *cgroup_path, struct identity *identity)
{
	int err, init_err;

	if (is_in(task, "moby"))
		identity->runtime = RUNTIME_DOCKER;
	else
		identity->runtime = RUNTIME_CONTAINERD;
	err = read_orders(task, identity);
	if (err == -ENOMEM)
		return err;
	init_err = read_init(roots, task, cgroup_path, identity);
	return err ? err : init_err;
}

int state_containerd_read(const struct runtime_roots *roots, const char *cgroup_path,
			  struct identity *identity)
{
	const char *const *states = state_dirs(roots, RUNTIME_DIR_CONTAINERD);

	for (; *states; states++) {
		_cleanup_close_ int dir = open_tasks(roots, *states);
		struct task task = {.dir = dir};

		if (dir >= 0 && find_task(&task, cgroup_path, identity->id))
			return read_task(roots, &task, cgroup_path, identity);
	}
	return -ENOENT;
}
