// SPDX-License-Identifier: Apache-2.0
#include "runtimes/runtime_state.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/state_containerd.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_docker.h"
#include "runtimes/state_file.h"
#include "runtimes/state_oci.h"
#include "runtimes/state_storage.h"

bool runtime_state_identify(const struct runtime_roots *roots, const char *cgroup_path,
			    struct cgroup_identity *ret_identity)
{
	state_unread_clear();
	return state_oci_identify_by_name(roots, cgroup_path, ret_identity) ||
	       state_containerd_identify_by_name(roots, cgroup_path, ret_identity) ||
	       state_oci_identify_by_cgroup(roots, cgroup_path, ret_identity) ||
	       state_containerd_identify_by_cgroup(roots, cgroup_path, ret_identity);
}

/*
 * What can be learnt from several together: out of memory before all, then what could not be read or is
 * no good, then what is worth another try.
 */
static int both(int a, int b)
{
	static const int order[] = {-ENOMEM, -EIO, -EAGAIN, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return -ENOENT;
}

/* Any error that has no meaning of its own here. */
static int plain(int err)
{
	return err == 0 || err == -ENOENT || err == -EAGAIN || err == -ENOMEM ? err : -EIO;
}

/* Is this engine the one, so that no other need be read? An id that was drawn is nobody else's. */
static bool is_settled(int result, const struct identity *identity, enum runtime runtime)
{
	return result == 0 && identity->runtime == runtime && state_id_is_generated(identity->id);
}

static int read_engines(const struct runtime_roots *roots, const char *cgroup_path,
			struct identity *identity)
{
	int result = plain(state_containerd_read(roots, cgroup_path, identity));

	if (is_settled(result, identity, RUNTIME_CONTAINERD))
		return result;
	result = both(result, plain(state_docker_read(roots, identity)));
	if (is_settled(result, identity, RUNTIME_DOCKER))
		return result;
	return both(result, plain(state_storage_read(roots, cgroup_path, identity)));
}

int runtime_state_read(const struct runtime_roots *roots, const char *cgroup_path,
		       struct identity *identity)
{
	int result;

	if (!state_id_is_valid(identity->id))
		return -ENOENT;
	state_unread_clear();
	result = read_engines(roots, cgroup_path, identity);
	result = both(result,
		      plain(state_oci_read(roots, cgroup_path, result == -ENOENT, identity)));
	if (result == -ENOMEM)
		return result;
	if (state_unread_take(&identity->unread))
		return -EIO;
	if (result == -EIO)
		state_unread_take_any(&identity->unread);
	return result;
}

bool runtime_state_unread(struct unread *ret_unread)
{
	return state_unread_take(ret_unread);
}

/* --- can it be read at all? --- */

const char runtime_state_remedy[] =
	"the state of container runtimes is read through openat2 only, and a seccomp filter blocks it: "
	"under systemd remove RestrictSUIDSGID= from the unit, in a container take a seccomp profile "
	"that allows openat2";

static bool stop(void *context, const char *name)
{
	(void)context;
	(void)name;
	return false;
}

static int probe(const struct runtime_roots *roots, const char *dir)
{
	_cleanup_close_ int fd = state_dir_open(roots->root, dir);
	struct unread unread;

	if (fd < 0)
		return fd == -ENOTDIR ? -ENOENT : fd;
	state_unread_clear();
	state_dir_scan(fd, stop, NULL);
	return state_unread_take(&unread) ? -unread.err : 0;
}

/* Is it a place of another runtime, too, which has been visited? */
static bool was_visited(const struct runtime_roots *roots, int kind, const char *dir)
{
	for (int other = 0; other < kind; other++)
		for (const char *const *dirs = state_dirs(roots, (enum runtime_dir)other); *dirs;
		     dirs++)
			if (strcmp(*dirs, dir) == 0)
				return true;
	return false;
}

int runtime_state_probe(const struct runtime_roots *roots, runtime_state_place_fn visit,
			void *context)
{
	int err = state_file_probe();

	if (err)
		return err;
	for (int kind = 0; kind < RUNTIME_DIR_COUNT; kind++)
		for (const char *const *dirs = state_dirs(roots, (enum runtime_dir)kind); *dirs;
		     dirs++)
			if (!was_visited(roots, kind, *dirs))
				visit(context, *dirs, probe(roots, *dirs));
	return 0;
}
