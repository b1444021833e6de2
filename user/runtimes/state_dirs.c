// SPDX-License-Identifier: Apache-2.0
#include "runtimes/state_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtimes/state_file.h"

enum { USUAL_MAX = 8, HELD_MAX = 64 };

static const char *const usual[RUNTIME_DIR_COUNT][USUAL_MAX + 1] = {
	[RUNTIME_DIR_RUNC] = {"/run/runc"},
	[RUNTIME_DIR_CRUN] = {"/run/crun"},
	[RUNTIME_DIR_CONTAINERD] = {"/run/containerd", "/run/docker/containerd/daemon",
				    "/run/k3s/containerd", "/run/k0s/containerd",
				    "/var/lib/containerd", "/var/lib/rancher/k3s/agent/containerd",
				    "/var/lib/k0s/containerd"},
	[RUNTIME_DIR_DOCKER] = {"/var/lib/docker", "/run/docker"},
	[RUNTIME_DIR_PODMAN] = {"/var/lib/containers/storage", "/run/containers/storage"},
	[RUNTIME_DIR_CRIO] = {"/var/lib/containers/storage", "/run/containers/storage"},
	[RUNTIME_DIR_RUNSC] = {"/run/runsc"},
};

const char *const *state_dirs(const struct runtime_roots *roots, enum runtime_dir dir)
{
	return roots->dirs[dir] ? roots->dirs[dir] : usual[dir];
}

struct state_dirs_held {
	struct held_dir {
		char *path;
		int fd; /* -ENOENT or -ENOTDIR: it is not there */
	} dirs[HELD_MAX];
	size_t count;
};

void runtime_state_hold(struct runtime_roots *roots)
{
	if (!roots->held)
		roots->held = calloc(1, sizeof(*roots->held));
}

void runtime_state_release(struct runtime_roots *roots)
{
	struct state_dirs_held *held = roots->held;

	for (size_t i = 0; held && i < held->count; i++) {
		if (held->dirs[i].fd >= 0)
			(void)close(held->dirs[i].fd);
		free(held->dirs[i].path);
	}
	free(held);
	roots->held = NULL;
}

void runtime_state_look_again(struct runtime_roots *roots)
{
	if (!roots->held)
		return;
	runtime_state_release(roots);
	runtime_state_hold(roots);
}

static const struct held_dir *find_held(const struct state_dirs_held *held, const char *dir)
{
	for (size_t i = 0; i < held->count; i++)
		if (strcmp(held->dirs[i].path, dir) == 0)
			return &held->dirs[i];
	return NULL;
}

/*
 * A directory that is there or not there. One that cannot be opened is not held: each container that may
 * have state in it fails anew, and that is noted for each.
 */
static void hold(struct state_dirs_held *held, const char *dir, int fd)
{
	struct held_dir *added = &held->dirs[held->count];
	int copy = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (held->count == HELD_MAX || (copy < 0 && copy != -ENOENT && copy != -ENOTDIR))
		return;
	added->path = strdup(dir);
	added->fd = copy;
	if (added->path)
		held->count++;
	else if (copy >= 0)
		(void)close(copy);
}

int state_dirs_open(const struct runtime_roots *roots, const char *dir)
{
	const struct held_dir *held = roots->held ? find_held(roots->held, dir) : NULL;
	int fd;

	if (held && held->fd < 0)
		return held->fd;
	fd = held ? fcntl(held->fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (fd >= 0)
		return fd;
	fd = state_dir_open(roots->root, dir);
	if (roots->held && !held)
		hold(roots->held, dir, fd);
	return fd;
}
