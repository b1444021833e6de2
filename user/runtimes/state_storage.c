// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_storage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/oci_spec.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"

enum { NAMES_SIZE_MAX = 4 << 20, METADATA_SIZE_MAX = 1 << 16, SHORT_ID_LENGTH = 12 };

static const char *const drivers[] = {"overlay", "vfs", "btrfs", "zfs"};

/* --- names --- */

static int take_entry(const json_t *entry, struct identity *identity)
{
	const json_t *text = json_object_get(entry, "metadata");
	_cleanup_(state_json_done) json_t *metadata = NULL;
	int err = state_json_set(&identity->name, json_string_value(json_array_get(
							  json_object_get(entry, "names"), 0)));

	if (!err && json_string_length(text) <= METADATA_SIZE_MAX)
		metadata = json_loads(json_string_value(text) ? json_string_value(text) : "", 0,
				      NULL);
	return err ? err :
		     state_json_set(&identity->image, state_json_string(metadata, "image-name"));
}

int state_storage_take_names(const char *text, size_t len, struct identity *identity)
{
	_cleanup_(state_json_done) json_t *entries = state_json_parse(text, len);
	size_t i;
	json_t *entry;

	if (!json_is_array(entries))
		return -EAGAIN;
	json_array_foreach(entries, i, entry) {
		const char *id = state_json_string(entry, "id");

		if (id && strcmp(id, identity->id) == 0)
			return take_entry(entry, identity);
	}
	return 0; /* it was made without a name */
}

/* Podman's own name for a pod's pause container: the pod's id, which is in the cgroup's path too. */
static bool is_infra(const char *name, const char *cgroup_path)
{
	char pod[SHORT_ID_LENGTH + 1];

	if (!name || strlen(name) <= SHORT_ID_LENGTH ||
	    strcmp(name + SHORT_ID_LENGTH, "-infra") != 0)
		return false;
	(void)snprintf(pod, sizeof(pod), "%.*s", SHORT_ID_LENGTH, name);
	return strspn(pod, "0123456789abcdef") == SHORT_ID_LENGTH && strstr(cgroup_path, pod);
}

static int read_names(int dir, const char *driver, const char *cgroup_path,
		      struct identity *identity)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;
	int err;

	(void)snprintf(path, sizeof(path), "%s-containers/containers.json", driver);
	err = state_file_read(dir, path, NAMES_SIZE_MAX, &text, &len);
	if (!err)
		err = state_storage_take_names(text, len, identity);
	if (is_infra(identity->name, cgroup_path))
		identity->is_sandbox = true;
	return err;
}

/* --- orders --- */

/* Whose it is, if the cgroup's path did not say. A pod of CRI-O is in a pod's cgroup. */
static void learn_manager(struct identity *identity)
{
	const char *manager = identity_pairs_find(&identity->annotations, "io.container.manager");

	if (identity->runtime == RUNTIME_CRIO || identity->runtime == RUNTIME_PODMAN)
		return;
	if (manager && strcmp(manager, "cri-o") == 0 && identity->pod_uid[0])
		identity->runtime = RUNTIME_CRIO;
	else
		identity->runtime = RUNTIME_PODMAN;
}

static int take_json_text(const struct identity_pairs *from, const char *key,
			  struct identity_pairs *to)
{
	const char *text = identity_pairs_find(from, key);
	_cleanup_(state_json_done) json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	return state_json_pairs(json, to);
}

/* CRI-O writes labels and annotations as JSON into annotations. */
static int take_crio_words(const struct identity_pairs *from, struct identity *identity)
{
	int err = take_json_text(from, "io.kubernetes.cri-o.Labels", &identity->labels);

	return err ? err :
		     take_json_text(from, "io.kubernetes.cri-o.Annotations",
				    &identity->annotations);
}

static void identity_done_of(struct identity *identity)
{
	identity_done(identity);
}

/* What the pod's own manifest says is with its sandbox only. */
static int read_sandbox_words(int dir, const char *driver, struct identity *identity)
{
	const char *id = identity_pairs_find(&identity->annotations,
					     "io.kubernetes.cri-o.SandboxID");
	_cleanup_(identity_done_of) struct identity sandbox = {0};
	char path[256];
	int err;

	if (!id || !state_id_is_generated(id) || strcmp(id, identity->id) == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s-containers/%s/userdata", driver, id);
	err = oci_spec_read(dir, path, OCI_POD_NONE, &sandbox);
	if (err)
		return err == -ENOENT ? 0 : err;
	return take_crio_words(&sandbox.annotations, identity);
}

static int read_crio(int dir, const char *driver, const char *path, struct identity *identity)
{
	int err = oci_spec_read(dir, path, OCI_POD_CRIO, identity);

	if (!err)
		err = read_sandbox_words(dir, driver, identity);
	return err ? err : take_crio_words(&identity->annotations, identity);
}

static int read_orders(int dir, const char *driver, struct identity *identity)
{
	char path[256];
	int err;

	(void)snprintf(path, sizeof(path), "%s-containers/%s/userdata", driver, identity->id);
	err = oci_spec_read(dir, path, OCI_POD_NONE, identity);
	if (err)
		return err;
	learn_manager(identity);
	return identity->runtime == RUNTIME_CRIO ? read_crio(dir, driver, path, identity) : 0;
}

static int read_in(int dir, const char *cgroup_path, struct identity *identity)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		int err = read_orders(dir, drivers[i], identity);

		if (err == -ENOENT)
			continue;
		return err ? err : read_names(dir, drivers[i], cgroup_path, identity);
	}
	return -ENOENT;
}

int state_storage_read(const struct runtime_roots *roots, const char *cgroup_path,
		       struct identity *identity)
{
	static const enum runtime_dir owners[] = {RUNTIME_DIR_PODMAN, RUNTIME_DIR_CRIO};

	if (!state_id_is_generated(identity->id))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		const char *const *dirs = state_dirs(roots, owners[i]);

		for (; *dirs; dirs++) {
			_cleanup_close_ int dir = state_dirs_open(roots, *dirs);
			int err = dir < 0 ? -ENOENT : read_in(dir, cgroup_path, identity);

			if (err != -ENOENT)
				return err;
		}
	}
	return -ENOENT;
}
