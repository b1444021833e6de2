// SPDX-License-Identifier: Apache-2.0
#include "runtimes/oci_state.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/state_json.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define BUNDLE	    "bundle="

/* Fills what both have, under different names. */
static int fill(json_int_t pid, json_int_t start, const char *bundle, struct oci_state *ret_state)
{
	struct oci_state state = {.init_start_ticks = (uint64_t)start};

	if (pid <= 0 || pid > INT_MAX)
		return -EAGAIN;
	state.init_pid = (pid_t)pid;
	if (bundle && bundle[0] == '/' && strlen(bundle) < sizeof(state.bundle))
		(void)snprintf(state.bundle, sizeof(state.bundle), "%s", bundle);
	*ret_state = state;
	return 0;
}

/*
 * `full` is the cgroup's directory: the hierarchy's mount, then the path in it. A comparison of the
 * ends alone would take `/web` for `/other/web`.
 */
static bool is_directory_of(const char *full, const char *controller, const char *cgroup_path)
{
	size_t len = strlen(full), path_len = strlen(cgroup_path), root_len = strlen(CGROUP_ROOT);
	char mount[NAME_MAX];

	if (len < path_len + root_len || strcmp(full + len - path_len, cgroup_path) != 0 ||
	    strncmp(full, CGROUP_ROOT, root_len) != 0 || len - path_len >= sizeof(mount))
		return false;
	(void)snprintf(mount, sizeof(mount), "%.*s", (int)(len - path_len - root_len),
		       full + root_len);
	if (!*controller)
		return !*mount || strcmp(mount, "/unified") == 0;
	return mount[0] == '/' && !strchr(mount + 1, '/');
}

/* Rootless, or with cgroups switched off, there are none to compare. */
static bool is_in_cgroup(json_t *paths, const char *cgroup_path)
{
	const char *controller;
	json_t *full;

	if (json_object_size(paths) == 0)
		return true;
	json_object_foreach(paths, controller, full) {
		if (json_is_string(full) &&
		    is_directory_of(json_string_value(full), controller, cgroup_path))
			return true;
	}
	return false;
}

/*
 * runc keeps annotations as labels, and adds the bundle after them: the last one is its own, others
 * are annotations of that name.
 */
static const char *find_bundle(const json_t *labels)
{
	for (size_t i = json_array_size(labels); i-- > 0;) {
		const char *label = json_string_value(json_array_get(labels, i));

		if (label && strncmp(label, BUNDLE, strlen(BUNDLE)) == 0)
			return label + strlen(BUNDLE);
	}
	return NULL;
}

int oci_state_parse_runc(const char *text, size_t len, const char *cgroup_path,
			 struct oci_state *ret_state)
{
	_cleanup_(state_json_done) json_t *state = state_json_parse(text, len);

	if (!json_is_object(state))
		return -EAGAIN;
	if (!is_in_cgroup(json_object_get(state, "cgroup_paths"), cgroup_path))
		return -ESTALE;
	return fill(state_json_number(state, "init_process_pid"),
		    state_json_number(state, "init_process_start"),
		    find_bundle(json_object_get(json_object_get(state, "config"), "labels")),
		    ret_state);
}

/* With systemd the named cgroup may be one inside the scope, which is the container's. */
static bool is_crun_cgroup(const json_t *status, const char *cgroup_path)
{
	const char *path = state_json_string(status, "cgroup-path");
	size_t len = strlen(cgroup_path);

	if (!path || !*path)
		return true;
	if (strncmp(path, cgroup_path, len) != 0)
		return false;
	return !path[len] ||
	       (path[len] == '/' && json_is_true(json_object_get(status, "systemd-cgroup")));
}

int oci_state_parse_crun(const char *text, size_t len, const char *cgroup_path,
			 struct oci_state *ret_state)
{
	_cleanup_(state_json_done) json_t *status = state_json_parse(text, len);

	if (!json_is_object(status))
		return -EAGAIN;
	if (!is_crun_cgroup(status, cgroup_path))
		return -ESTALE;
	return fill(state_json_number(status, "pid"),
		    state_json_number(status, "process-start-time"),
		    state_json_string(status, "bundle"), ret_state);
}
