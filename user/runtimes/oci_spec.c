// SPDX-License-Identifier: Apache-2.0
#include "runtimes/oci_spec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"

#define TERMINATION_LOG "/dev/termination-log"

enum { SPEC_SIZE_MAX = 1 << 20 };

/* The keys that each runtime has for the same. */
static const struct pod_keys {
	const char *type, *name, *image, *other_image, *pod, *namespace, *uid;
} pod_keys[] = {
	[OCI_POD_CRI] = {"io.kubernetes.cri.container-type", "io.kubernetes.cri.container-name",
			 "io.kubernetes.cri.image-name", "", "io.kubernetes.cri.sandbox-name",
			 "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-uid"},
	[OCI_POD_CRIO] = {"io.kubernetes.cri-o.ContainerType", "io.kubernetes.container.name",
			  "io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image",
			  "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
			  "io.kubernetes.pod.uid"},
};

/* As the API writes a uid, or a static pod's hash: nothing that means something in a path. */
static bool is_pod_uid(const char *uid)
{
	size_t len = strlen(uid);

	return (len == 36 || len == 32) && strspn(uid, "0123456789abcdef-") == len;
}

static void take_pod_uid(const char *uid, struct identity *identity)
{
	if (!identity->pod_uid[0] && uid && is_pod_uid(uid))
		(void)snprintf(identity->pod_uid, sizeof(identity->pod_uid), "%s", uid);
}

static int take_pod(const json_t *annotations, const struct pod_keys *keys,
		    struct identity *identity)
{
	const char *type = state_json_string(annotations, keys->type);
	const struct {
		char **field;
		const char *key;
	} fields[] = {
		{&identity->name, keys->name},		 {&identity->image, keys->image},
		{&identity->image, keys->other_image},	 {&identity->pod, keys->pod},
		{&identity->namespace, keys->namespace},
	};

	take_pod_uid(state_json_string(annotations, keys->uid), identity);
	if (type && strcmp(type, "sandbox") == 0)
		identity->is_sandbox = true;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int err = state_json_set(fields[i].field,
					 state_json_string(annotations, fields[i].key));

		if (err)
			return err;
	}
	return 0;
}

/*
 * Something will be written there, so it has to be the file that the kubelet made for this pod:
 * `…/pods/UID/containers/NAME/FILE`. A pod may mount a file of its own choice at this place.
 */
static bool is_termination_log(const char *source, const char *pod_uid)
{
	char middle[64], name[128];
	const char *rest, *file;
	int len = snprintf(middle, sizeof(middle), "/pods/%s/containers/", pod_uid);

	if (source[0] != '/' || strlen(source) >= PATH_MAX || strstr(source, "/../") ||
	    len >= (int)sizeof(middle))
		return false;
	rest = strstr(source, middle);
	file = rest ? strchr(rest + len, '/') : NULL;
	if (!file)
		return false;
	len = snprintf(name, sizeof(name), "%.*s", (int)(file - rest) - len, rest + len);
	return len < (int)sizeof(name) && state_id_is_valid(name) && state_id_is_valid(file + 1);
}

static int take_termination_log(const json_t *mounts, struct identity *identity)
{
	size_t i;
	json_t *mount;

	if (!identity->pod_uid[0])
		return 0;
	json_array_foreach(mounts, i, mount) {
		const char *at = state_json_string(mount, "destination");
		const char *source = state_json_string(mount, "source");

		if (at && source && strcmp(at, TERMINATION_LOG) == 0 &&
		    is_termination_log(source, identity->pod_uid))
			return state_json_set(&identity->termination_log, source);
	}
	return 0;
}

/*
 * In a pod these tell what CPU was requested. Read here and not in the cgroup: v2 has a weight there,
 * into which runtimes convert by formulas that differ.
 */
static void take_cpu_shares(const json_t *spec, struct identity *identity)
{
	const json_t *resources = json_object_get(json_object_get(spec, "linux"), "resources");
	json_int_t shares = json_integer_value(
		json_object_get(json_object_get(resources, "cpu"), "shares"));

	/* The kernel's own limit. */
	if (shares > 0 && shares <= 262144)
		identity->cpu_shares = (uint64_t)shares;
}

int oci_spec_take(const char *text, size_t len, enum oci_pod pod, struct identity *identity)
{
	_cleanup_(state_json_done) json_t *spec = state_json_parse(text, len);
	const json_t *annotations = json_object_get(spec, "annotations");
	int err;

	if (!json_is_object(spec))
		return -EAGAIN;
	take_cpu_shares(spec, identity);
	err = state_json_pairs(annotations, &identity->annotations);
	if (!err)
		err = state_json_env(json_object_get(json_object_get(spec, "process"), "env"),
				     &identity->env);
	if (!err && pod != OCI_POD_NONE)
		err = take_pod(annotations, &pod_keys[pod], identity);
	if (!err && pod != OCI_POD_NONE)
		err = take_termination_log(json_object_get(spec, "mounts"), identity);
	return err;
}

static int read_spec(int dir, const char *path, char **ret_text, size_t *ret_size)
{
	char file[PATH_MAX];
	int len = snprintf(file, sizeof(file), "%s/config.json", path);

	if (len < 0 || len >= (int)sizeof(file))
		return -ENAMETOOLONG;
	return state_file_read(dir, file, SPEC_SIZE_MAX, ret_text, ret_size);
}

int oci_spec_read(int dir, const char *path, enum oci_pod pod, struct identity *identity)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int err = read_spec(dir, path, &text, &size);

	return err ? err : oci_spec_take(text, size, pod, identity);
}

enum oci_cgroup oci_spec_compare_cgroup(const char *text, size_t len, const char *cgroup_path)
{
	_cleanup_(state_json_done) json_t *spec = state_json_parse(text, len);
	const char *path = state_json_string(json_object_get(spec, "linux"), "cgroupsPath");

	if (!path || path[0] != '/')
		return OCI_CGROUP_UNTOLD;
	return strcmp(path, cgroup_path) == 0 ? OCI_CGROUP_SAME : OCI_CGROUP_OTHER;
}

enum oci_cgroup oci_spec_compare_cgroup_of(int dir, const char *path, const char *cgroup_path)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (read_spec(dir, path, &text, &size) < 0)
		return OCI_CGROUP_UNTOLD;
	return oci_spec_compare_cgroup(text, size, cgroup_path);
}
