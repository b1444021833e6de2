// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_docker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

/* What cri-dockerd writes as labels. Anybody can write those, so the cgroup has to be a pod's. */
static int take_pod(const json_t *labels, struct identity *identity)
{
	const char *type = state_json_string(labels, "io.kubernetes.docker.type");
	int err = state_json_set(&identity->name,
				 state_json_string(labels, "io.kubernetes.container.name"));

	if (type && strcmp(type, "podsandbox") == 0)
		identity->is_sandbox = true;
	if (!err)
		err = state_json_set(&identity->pod,
				     state_json_string(labels, "io.kubernetes.pod.name"));
	if (!err)
		err = state_json_set(&identity->namespace,
				     state_json_string(labels, "io.kubernetes.pod.namespace"));
	return err;
}

int state_docker_take(const char *text, size_t len, struct identity *identity)
{
	_cleanup_(state_json_done) json_t *json = state_json_parse(text, len);
	const json_t *config = json_object_get(json, "Config"), *labels;
	const char *name = state_json_string(json, "Name");
	int err = 0;

	if (!json_is_object(json))
		return -EAGAIN;
	labels = json_object_get(config, "Labels");
	if (identity->pod_uid[0])
		err = take_pod(labels, identity);
	if (!err)
		err = state_json_set(&identity->name, name && name[0] == '/' ? name + 1 : name);
	if (!err)
		err = state_json_set(&identity->image, state_json_string(config, "Image"));
	if (!err)
		err = state_json_pairs(labels, &identity->labels);
	/* The task's orders have the same and more, but may not be found. */
	if (!err && identity->env.count == 0)
		err = state_json_env(json_object_get(config, "Env"), &identity->env);
	return err;
}

static int read_in(int dir, struct identity *identity)
{
	_cleanup_free_ char *text = NULL;
	char path[256];
	size_t len;
	int err;

	(void)snprintf(path, sizeof(path), "containers/%s/config.v2.json", identity->id);
	err = state_file_read(dir, path, CONFIG_SIZE_MAX, &text, &len);
	if (err)
		return err;
	identity->runtime = RUNTIME_DOCKER;
	return state_docker_take(text, len, identity);
}

int state_docker_read(const struct runtime_roots *roots, struct identity *identity)
{
	const char *const *dirs = state_dirs(roots, RUNTIME_DIR_DOCKER);

	if (!state_id_is_generated(identity->id))
		return -ENOENT;
	for (; *dirs; dirs++) {
		_cleanup_close_ int dir = state_dirs_open(roots, *dirs);
		int err = dir < 0 ? -ENOENT : read_in(dir, identity);

		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}
