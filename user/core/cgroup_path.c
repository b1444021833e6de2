// SPDX-License-Identifier: Apache-2.0
#include "core/cgroup_path.h"

#include <stddef.h>
#include <string.h>

#define LOWER_HEX	      "0123456789abcdef"
#define ID_CHARACTERS	      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_+-."
#define GENERATED_ID_LENGTH   64
#define POD_UID_LENGTH	      36
#define STATIC_POD_UID_LENGTH 32

/* A part of the path; not NUL-terminated. */
struct span {
	const char *start;
	size_t len;
};

/*
 * `NAME-ID.scope` is the systemd driver; `NAME-ID` the cgroupfs driver, where the runtime's manager
 * puts its name into the path; `….slice:NAME:ID` is what a runtime with the cgroupfs driver makes of
 * a path that was meant for systemd (kubelet and runtime configured differently).
 */
static const struct shape {
	const char *name;
	enum runtime runtime;
	bool has_plain;	 /* also without `.scope` */
	bool has_any_id; /* an id that a person chose; else 64 hex digits */
} shapes[] = {
	{"docker", RUNTIME_DOCKER, false, false},
	{"cri-containerd", RUNTIME_CONTAINERD, false, false},
	{"nerdctl", RUNTIME_CONTAINERD, false, false},
	{"crio", RUNTIME_CRIO, true, false},
	{"libpod", RUNTIME_PODMAN, true, false},
	{"libpod-payload", RUNTIME_PODMAN, true, false}, /* --cgroups=split, as quadlets have it */
	{"runc", RUNTIME_RUNC, false, true},
	{"crun", RUNTIME_CRUN, false, true},
	{"lastout-demo", RUNTIME_DEMO, true, true},
};

/* With the cgroupfs driver the last component is the bare id, and its parent may tell whose. */
static const struct {
	const char *parent;
	enum runtime runtime;
} bare_id_parents[] = {
	{"docker", RUNTIME_DOCKER},
	{"default", RUNTIME_CONTAINERD}, /* containerd's namespaces: nerdctl's and ctr's default, */
	{"k8s.io", RUNTIME_CONTAINERD},	 /* and that of CRI */
};

const char *runtime_name(enum runtime runtime)
{
	switch (runtime) {
	case RUNTIME_RUNC:
		return "runc";
	case RUNTIME_CRUN:
		return "crun";
	case RUNTIME_DOCKER:
		return "docker";
	case RUNTIME_CONTAINERD:
		return "containerd";
	case RUNTIME_CRIO:
		return "cri-o";
	case RUNTIME_PODMAN:
		return "podman";
	case RUNTIME_RUNSC:
		return "runsc";
	case RUNTIME_DEMO:
		return "lastout";
	case RUNTIME_UNKNOWN:
		break;
	}
	return "unknown";
}

enum runtime runtime_parse(const char *name)
{
	for (enum runtime runtime = RUNTIME_UNKNOWN; runtime <= RUNTIME_DEMO; runtime++)
		if (strcmp(runtime_name(runtime), name) == 0)
			return runtime;
	return RUNTIME_UNKNOWN;
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.start, text, s.len) == 0;
}

static bool span_cut_prefix(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->start, prefix, len) != 0)
		return false;
	s->start += len;
	s->len -= len;
	return true;
}

static bool span_cut_suffix(struct span *s, const char *suffix)
{
	size_t len = strlen(suffix);

	if (s->len < len || memcmp(s->start + s->len - len, suffix, len) != 0)
		return false;
	s->len -= len;
	return true;
}

static bool span_has_only(struct span s, const char *characters)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.start[i] || !strchr(characters, s.start[i]))
			return false;
	return true;
}

static bool is_generated_id(struct span s)
{
	return s.len == GENERATED_ID_LENGTH && span_has_only(s, LOWER_HEX);
}

/* runc's rule; whether it is short enough is for the caller to see. */
static bool is_chosen_id(struct span s)
{
	return s.len > 0 && span_has_only(s, ID_CHARACTERS) && !span_is(s, ".") &&
	       !span_is(s, "..");
}

/* Cuts the last component off *path (which begins with a slash) and gives it; empty at the root. */
static struct span cut_last_component(struct span *path)
{
	struct span last = {path->start + path->len, 0};

	while (path->len > 0 && last.start[-1] != '/') {
		last.start--;
		last.len++;
		path->len--;
	}
	if (path->len > 0)
		path->len--;
	return last;
}

/* Splits `SLICE:NAME:ID`; true leaves `NAME:ID` in *component and `SLICE` in *ret_slice. */
static bool cut_slice(struct span *component, struct span *ret_slice)
{
	const char *colon = memchr(component->start, ':', component->len);
	struct span slice = *component, stem;

	if (!colon)
		return false;
	slice.len = (size_t)(colon - component->start);
	stem = slice;
	if (!span_cut_suffix(&stem, ".slice"))
		return false;
	component->start = colon + 1;
	component->len -= slice.len + 1;
	*ret_slice = slice;
	return true;
}

/* Whether the component has this shape; *ret_id is the id in it then. */
static bool match_shape(struct span component, const struct shape *shape, struct span *ret_id)
{
	struct span slice, id = component;

	if (cut_slice(&id, &slice)) {
		if (!span_cut_prefix(&id, shape->name) || !span_cut_prefix(&id, ":"))
			return false;
	} else {
		if (!span_cut_prefix(&id, shape->name) || !span_cut_prefix(&id, "-"))
			return false;
		if (!span_cut_suffix(&id, ".scope") && !shape->has_plain)
			return false;
	}
	if (!(shape->has_any_id ? is_chosen_id(id) : is_generated_id(id)))
		return false;
	*ret_id = id;
	return true;
}

static bool match_bare_id(struct span component, struct span parent, enum runtime *ret_runtime)
{
	/* Below Podman's root of cgroupfs containers a bare id is a Podman pod. */
	if (!is_generated_id(component) || span_is(parent, "libpod_parent"))
		return false;
	*ret_runtime = RUNTIME_UNKNOWN;
	for (size_t i = 0; i < sizeof(bare_id_parents) / sizeof(bare_id_parents[0]); i++)
		if (span_is(parent, bare_id_parents[i].parent))
			*ret_runtime = bare_id_parents[i].runtime;
	return true;
}

static bool match_component(struct span component, struct span parent, enum runtime *ret_runtime,
			    struct span *ret_id)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (match_shape(component, &shapes[i], ret_id)) {
			*ret_runtime = shapes[i].runtime;
			return true;
		}
	*ret_id = component;
	return match_bare_id(component, parent, ret_runtime);
}

/*
 * Writes a pod's uid with dashes: from the API a UUID, whose dashes are underscores in a slice's name;
 * a static pod has a plain MD5.
 */
static bool read_pod_uid(struct span uid, char ret[static POD_UID_LENGTH + 1])
{
	bool is_uuid = uid.len == POD_UID_LENGTH;

	if (!is_uuid && uid.len != STATIC_POD_UID_LENGTH)
		return false;
	for (size_t i = 0; i < uid.len; i++) {
		bool is_dash = is_uuid && (i == 8 || i == 13 || i == 18 || i == 23);

		if (!uid.start[i] || !strchr(is_dash ? "-_" : LOWER_HEX, uid.start[i]))
			return false;
		ret[i] = uid.start[i];
		if (is_dash)
			ret[i] = '-';
	}
	ret[uid.len] = '\0';
	return true;
}

/* Writes the uid when `pod` is a pod's cgroup (`podUID`, `…kubepods…-podUID.slice`); else "". */
static void identify_pod(struct span pod, char ret[static POD_UID_LENGTH + 1])
{
	struct span before = pod, uid = pod;

	(void)span_cut_suffix(&uid, ".slice");
	/* The last `pod`: a uid has no such letters. */
	before.len = uid.len;
	while (!span_cut_suffix(&before, "pod"))
		if (before.len-- == 0)
			return;
	uid.start += before.len + strlen("pod");
	uid.len -= before.len + strlen("pod");
	if ((before.len > 0 && before.start[before.len - 1] != '-') || !read_pod_uid(uid, ret))
		ret[0] = '\0';
}

bool cgroup_path_identify(const char *path, struct cgroup_identity *ret)
{
	struct span rest = {path, strlen(path)}, component, parent, slice, id;
	struct cgroup_identity found = {0};

	if (path[0] != '/')
		return false;
	component = cut_last_component(&rest);
	parent = cut_last_component(&rest);
	if (!match_component(component, parent, &found.runtime, &id) || id.len >= sizeof(found.id))
		return false;
	memcpy(found.id, id.start, id.len);
	identify_pod(cut_slice(&component, &slice) ? slice : parent, found.pod_uid);
	*ret = found;
	return true;
}
