// SPDX-License-Identifier: Apache-2.0
#include "runtimes/containerd_task.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/oci_spec.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"

#define TASKS "io.containerd.runtime.v2.task"

int containerd_task_open_all(const struct runtime_roots *roots, const char *state)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/" TASKS, state);

	return len < 0 || len >= (int)sizeof(path) ? -ENAMETOOLONG : state_dirs_open(roots, path);
}

static bool set(struct containerd_task *task, int dir, const char *namespace, const char *id)
{
	if (!state_id_is_valid(namespace) || !state_id_is_valid(id))
		return false;
	task->dir = dir;
	(void)snprintf(task->namespace, sizeof(task->namespace), "%s", namespace);
	(void)snprintf(task->id, sizeof(task->id), "%s", id);
	(void)snprintf(task->path, sizeof(task->path), "%s/%s", namespace, id);
	return state_dir_has(dir, task->path);
}

bool containerd_task_find_by_name(int dir, const char *cgroup_path,
				  struct containerd_task *ret_task)
{
	const char *id = strrchr(cgroup_path, '/'), *start = id;
	char namespace[sizeof(ret_task->namespace)];
	int len;

	if (!id)
		return false;
	while (start > cgroup_path && start[-1] != '/')
		start--;
	len = snprintf(namespace, sizeof(namespace), "%.*s", (int)(id - start), start);
	return len < (int)sizeof(namespace) && set(ret_task, dir, namespace, id + 1) &&
	       oci_spec_compare_cgroup_of(dir, ret_task->path, cgroup_path) != OCI_CGROUP_OTHER;
}

/* Through all namespaces, and with `id` not through all tasks. */
struct search {
	struct containerd_task task;
	const char *cgroup_path; /* NULL: any */
	const char *id;
	const char *namespace; /* in which we are */
	bool is_found;
};

static bool match(void *context, const char *id)
{
	struct search *search = context;

	if ((search->id && strcmp(search->id, id) != 0) ||
	    (search->cgroup_path && state_id_is_generated(id)))
		return true;
	search->is_found = set(&search->task, search->task.dir, search->namespace, id) &&
			   (!search->cgroup_path ||
			    oci_spec_compare_cgroup_of(search->task.dir, search->task.path,
						       search->cgroup_path) == OCI_CGROUP_SAME);
	return !search->is_found;
}

static bool match_namespace(void *context, const char *namespace)
{
	struct search *search = context;
	_cleanup_close_ int dir = -1;

	search->namespace = namespace;
	if (search->id)
		return match(search, search->id);
	dir = state_dir_open_below(search->task.dir, namespace);
	if (dir >= 0)
		state_dir_scan(dir, match, search);
	return !search->is_found;
}

static bool find(struct search *search, int dir, struct containerd_task *ret_task)
{
	search->task.dir = dir;
	state_dir_scan(dir, match_namespace, search);
	if (search->is_found)
		*ret_task = search->task;
	return search->is_found;
}

bool containerd_task_find_by_cgroup(int dir, const char *cgroup_path, const char *id,
				    struct containerd_task *ret_task)
{
	struct search search = {.cgroup_path = cgroup_path, .id = id};

	return find(&search, dir, ret_task);
}

bool containerd_task_find_by_id(int dir, const char *id, struct containerd_task *ret_task)
{
	struct search search = {.id = id};

	return find(&search, dir, ret_task);
}
