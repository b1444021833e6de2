// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_oci.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/oci_spec.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"

enum { STATE_SIZE_MAX = 1 << 20 };

static const struct oci_runtime {
	enum runtime runtime;
	enum runtime_dir dir;
	const char *file;
	int (*parse)(const char *text, size_t len, const char *cgroup_path,
		     struct oci_state *ret_state);
	bool keeps_orders; /* a copy of config.json beside it, before anything else */
} oci_runtimes[] = {
	{RUNTIME_RUNC, RUNTIME_DIR_RUNC, "state.json", oci_state_parse_runc, false},
	{RUNTIME_CRUN, RUNTIME_DIR_CRUN, "status", oci_state_parse_crun, true},
};

#define OCI_RUNTIME_COUNT (sizeof(oci_runtimes) / sizeof(oci_runtimes[0]))

/* 0; -EAGAIN: not written yet; -ESTALE: of another cgroup; -ENOENT: no such container here. */
static int read_state(const struct oci_runtime *oci, int dir, const char *container,
		      const char *cgroup_path, struct oci_state *ret_state)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t size;
	int len = snprintf(path, sizeof(path), "%s/%s", container, oci->file), err;

	if (len < 0 || len >= (int)sizeof(path) || !state_dir_has(dir, container))
		return -ENOENT;
	err = state_file_read(dir, path, STATE_SIZE_MAX, &text, &size);
	if (err)
		return err == -ENOENT ? -EAGAIN : err;
	return oci->parse(text, size, cgroup_path, ret_state);
}

static void take_init(const struct oci_state *state, struct identity *identity)
{
	if (identity->init_pid)
		return;
	identity->init_pid = state->init_pid;
	identity->init_start_ticks = state->init_start_ticks;
}

int state_oci_read_engine(const struct runtime_roots *roots, const char *runc_root,
			  const char *namespace, const char *cgroup_path, struct identity *identity)
{
	_cleanup_close_ int dir = state_dirs_open(roots, runc_root);
	char container[PATH_MAX];
	struct oci_state state;
	int len = snprintf(container, sizeof(container), "%s/%s", namespace, identity->id), err;

	if (dir < 0 || len < 0 || len >= (int)sizeof(container))
		return -ENOENT;
	err = read_state(&oci_runtimes[0], dir, container, cgroup_path, &state);
	if (err)
		return err == -ESTALE ? -ENOENT : err;
	take_init(&state, identity);
	return 0;
}

/* --- which container is in this cgroup? --- */

struct search {
	const struct oci_runtime *oci;
	int dir;
	const char *cgroup_path;
	const char *id; /* found */
	char id_buf[sizeof(((struct identity *)0)->id)];
};

/* An engine's container has its id in its cgroup's name; there are many, and none is meant. */
static bool match(void *context, const char *id)
{
	struct search *search = context;
	struct oci_state state;
	int err;

	if (state_id_is_generated(id))
		return true;
	err = read_state(search->oci, search->dir, id, search->cgroup_path, &state);
	/* crun leaves its orders before it makes the cgroup, and its state long after. */
	if (err == -EAGAIN)
		err = oci_spec_compare_cgroup_of(search->dir, id, search->cgroup_path) ==
				      OCI_CGROUP_SAME ?
			      0 :
			      -ESTALE;
	if (err)
		return true;
	(void)snprintf(search->id_buf, sizeof(search->id_buf), "%s", id);
	search->id = search->id_buf;
	return false;
}

/* Is there one of this name, which does not say that it is elsewhere? */
static bool has_name(const struct search *search, const char *id)
{
	struct oci_state state;

	return state_id_is_valid(id) && state_dir_has(search->dir, id) &&
	       read_state(search->oci, search->dir, id, search->cgroup_path, &state) != -ESTALE;
}

typedef bool (*find_fn)(struct search *search, const char *name);

static bool find_by_name(struct search *search, const char *name)
{
	if (!has_name(search, name))
		return false;
	(void)snprintf(search->id_buf, sizeof(search->id_buf), "%s", name);
	search->id = search->id_buf;
	return true;
}

static bool find_by_cgroup(struct search *search, const char *name)
{
	if (!state_id_is_generated(name))
		state_dir_scan(search->dir, match, search);
	return search->id;
}

static bool find(const struct runtime_roots *roots, const char *cgroup_path, find_fn find_in,
		 struct cgroup_identity *ret_identity)
{
	const char *slash = strrchr(cgroup_path, '/');

	if (!slash || !slash[1])
		return false;
	for (size_t i = 0; i < OCI_RUNTIME_COUNT; i++) {
		const char *const *dirs = state_dirs(roots, oci_runtimes[i].dir);

		for (; *dirs; dirs++) {
			_cleanup_close_ int dir = state_dirs_open(roots, *dirs);
			struct search search = {&oci_runtimes[i], dir, cgroup_path, NULL, ""};

			if (dir < 0 || !find_in(&search, slash + 1))
				continue;
			memset(ret_identity, 0, sizeof(*ret_identity));
			ret_identity->runtime = oci_runtimes[i].runtime;
			(void)snprintf(ret_identity->id, sizeof(ret_identity->id), "%s", search.id);
			return true;
		}
	}
	return false;
}

bool state_oci_identify_by_name(const struct runtime_roots *roots, const char *cgroup_path,
				struct cgroup_identity *ret_identity)
{
	return find(roots, cgroup_path, find_by_name, ret_identity);
}

bool state_oci_identify_by_cgroup(const struct runtime_roots *roots, const char *cgroup_path,
				  struct cgroup_identity *ret_identity)
{
	return find(roots, cgroup_path, find_by_cgroup, ret_identity);
}

/* --- a container whose id is known --- */

/* The orders are where the state says; its file is root's own, unlike an annotation. */
static int read_bundle(const struct runtime_roots *roots, const struct oci_state *state,
		       struct identity *identity)
{
	_cleanup_close_ int bundle = -1;

	if (!state->bundle[0])
		return -ENOENT;
	bundle = state_dir_open(roots->root, state->bundle);
	return bundle < 0 ? bundle == -ENOTDIR ? -ENOENT : bundle :
			    oci_spec_read(bundle, ".", OCI_POD_NONE, identity);
}

/* What is not there is not worth another try: the bundle may be gone since. */
static int read_alone(const struct runtime_roots *roots, const struct oci_runtime *oci, int dir,
		      const struct oci_state *state, struct identity *identity)
{
	int err;

	identity->runtime = oci->runtime;
	if (!state_id_is_generated(identity->id) &&
	    state_json_set(&identity->name, identity->id) < 0)
		return -ENOMEM;
	if (oci->keeps_orders)
		err = oci_spec_read(dir, identity->id, OCI_POD_NONE, identity);
	else
		err = read_bundle(roots, state, identity);
	return err == -ENOENT ? 0 : err;
}

static int read_in(const struct runtime_roots *roots, const struct oci_runtime *oci,
		   const char *where, const char *cgroup_path, bool is_alone,
		   struct identity *identity)
{
	_cleanup_close_ int dir = state_dirs_open(roots, where);
	struct oci_state state = {0};
	int err, alone_err = 0;

	if (dir < 0)
		return -ENOENT;
	err = read_state(oci, dir, identity->id, cgroup_path, &state);
	if (err == -ENOENT || err == -ESTALE)
		return -ENOENT;
	if (is_alone)
		alone_err = read_alone(roots, oci, dir, &state, identity);
	if (!err)
		take_init(&state, identity);
	return alone_err ? alone_err : err;
}

int state_oci_read(const struct runtime_roots *roots, const char *cgroup_path, bool is_alone,
		   struct identity *identity)
{
	for (size_t i = 0; i < OCI_RUNTIME_COUNT; i++) {
		const char *const *dirs = state_dirs(roots, oci_runtimes[i].dir);

		for (; *dirs; dirs++) {
			int err = read_in(roots, &oci_runtimes[i], *dirs, cgroup_path, is_alone,
					  identity);

			if (err != -ENOENT)
				return err;
		}
	}
	return -ENOENT;
}
