// SPDX-License-Identifier: Apache-2.0
#include "sys/state_dirs.h"

#include <stddef.h>

enum { USUAL_MAX = 8 };

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
