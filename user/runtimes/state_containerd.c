// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_containerd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/containerd_meta.h"
#include "runtimes/containerd_task.h"
#include "runtimes/oci_spec.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"
#include "runtimes/state_oci.h"

#define RUNC_DIR "/run/containerd/runc" /* the shim's own, wherever containerd's state is */

enum { OPTIONS_SIZE_MAX = 1 << 16, PID_SIZE_MAX = 32, PATH_SIZE = 512 };

static bool identify(const struct runtime_roots *roots, const char *cgroup_path, bool by_name,
		     struct cgroup_identity *ret_identity)
{
	const char *const *states = state_dirs(roots, RUNTIME_DIR_CONTAINERD);

	for (; *states; states++) {
		_cleanup_close_ int dir = containerd_task_open_all(roots, *states);
		struct containerd_task task;

		if (dir < 0 ||
		    !(by_name ? containerd_task_find_by_name(dir, cgroup_path, &task) :
				containerd_task_find_by_cgroup(dir, cgroup_path, NULL, &task)))
			continue;
		memset(ret_identity, 0, sizeof(*ret_identity));
		ret_identity->runtime = RUNTIME_CONTAINERD;
		(void)snprintf(ret_identity->id, sizeof(ret_identity->id), "%s", task.id);
		return true;
	}
	return false;
}

bool state_containerd_identify_by_name(const struct runtime_roots *roots, const char *cgroup_path,
				       struct cgroup_identity *ret_identity)
{
	return identify(roots, cgroup_path, true, ret_identity);
}

bool state_containerd_identify_by_cgroup(const struct runtime_roots *roots, const char *cgroup_path,
					 struct cgroup_identity *ret_identity)
{
	return identify(roots, cgroup_path, false, ret_identity);
}

/* --- reading --- */

/* An id that was drawn is nobody else's; another one is only with its namespace, or its cgroup. */
static bool find_task(int dir, const char *cgroup_path, const char *id,
		      struct containerd_task *ret_task)
{
	if (state_id_is_generated(id))
		return containerd_task_find_by_id(dir, id, ret_task);
	return (containerd_task_find_by_name(dir, cgroup_path, ret_task) &&
		strcmp(ret_task->id, id) == 0) ||
	       containerd_task_find_by_cgroup(dir, cgroup_path, id, ret_task);
}

static bool is_in(const struct containerd_task *task, const char *namespace)
{
	return strcmp(task->namespace, namespace) == 0;
}

static int read_orders(const struct containerd_task *task, struct identity *identity)
{
	enum oci_pod pod = is_in(task, "k8s.io") ? OCI_POD_CRI : OCI_POD_NONE;
	int err = oci_spec_read(task->dir, task->path, pod, identity);
	const char *name = identity_pairs_find(&identity->annotations, "nerdctl/name");

	if (err == -ENOENT) /* the folder is there, so it is being written */
		return -EAGAIN;
	if (err)
		return err;
	if (is_in(task, "k8s.io") || is_in(task, "moby"))
		return 0;
	if (!name && !state_id_is_generated(identity->id))
		name = identity->id;
	return state_json_set(&identity->name, name);
}

/* Docker gives the shim another root for runc, and the shim leaves that in options.json. */
static int read_runc(const struct runtime_roots *roots, const struct containerd_task *task,
		     const char *cgroup_path, struct identity *identity)
{
	_cleanup_(state_json_done) json_t *options = NULL;
	const char *root = NULL;
	char path[PATH_SIZE + 16];
	int err;

	(void)snprintf(path, sizeof(path), "%s/options.json", task->path);
	err = state_json_read(task->dir, path, OPTIONS_SIZE_MAX, &options);
	if (err && err != -ENOENT) /* the usual root would be a guess */
		return err;
	root = state_json_string(options, "root");
	return state_oci_read_engine(roots, root && root[0] == '/' ? root : RUNC_DIR,
				     task->namespace, cgroup_path, identity);
}

static pid_t read_pid(const struct containerd_task *task)
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
static int read_init(const struct runtime_roots *roots, const struct containerd_task *task,
		     const char *cgroup_path, struct identity *identity)
{
	int err = read_runc(roots, task, cgroup_path, identity);

	if (err == -EAGAIN || err == -ENOMEM)
		return err;
	if (!identity->init_pid)
		identity->init_pid = read_pid(task);
	return identity->init_pid ? 0 : -EAGAIN;
}

static int read_task(const struct runtime_roots *roots, const struct containerd_task *task,
		     const char *cgroup_path, struct identity *identity)
{
	int err, init_err;

	if (is_in(task, "moby"))
		identity->runtime = RUNTIME_DOCKER;
	else
		identity->runtime = RUNTIME_CONTAINERD;
	err = read_orders(task, identity);
	if (!err && !is_in(task, "moby"))
		err = containerd_meta_read(roots, task->namespace, identity);
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
		_cleanup_close_ int dir = containerd_task_open_all(roots, *states);
		struct containerd_task task;

		if (dir >= 0 && find_task(dir, cgroup_path, identity->id, &task))
			return read_task(roots, &task, cgroup_path, identity);
	}
	return -ENOENT;
}
