/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the path of a cgroup says about the container it belongs to: the shapes that the well-known
 * runtimes give their cgroups, with the systemd and with the cgroupfs driver.
 * Own code because every runtime documents only its own shape, and no C library collects them.
 */
#pragma once

#include <stdbool.h>

enum runtime {
	RUNTIME_UNKNOWN, /* a container, but the path does not tell whose */
	RUNTIME_RUNC,
	RUNTIME_CRUN,
	RUNTIME_DOCKER,
	RUNTIME_CONTAINERD, /* through CRI, nerdctl or ctr */
	RUNTIME_CRIO,
	RUNTIME_PODMAN,
	RUNTIME_RUNSC, /* gVisor: by its state files, not by its path */
	RUNTIME_DEMO,  /* `lastout demo`'s own: a last component `lastout-demo-ID` */
};

struct cgroup_identity {
	enum runtime runtime;
	char id[128]; /* the runtime's full id for the container */
	char pod_uid[37]; /* Kubernetes: as the API writes it (dashes; static pods have none); else "" */
};

/*
 * A name for people, JSON and policies: "unknown", "runc", "crun", "docker", "containerd", "cri-o",
 * "podman", "runsc", "lastout". A static string, never NULL.
 */
const char *runtime_name(enum runtime runtime);

/* The other way round; RUNTIME_UNKNOWN for any other name. */
enum runtime runtime_parse(const char *name);

/*
 * Whether `path`, relative to the root of its hierarchy and beginning with `/`, is the cgroup that a
 * runtime made for one container. Fills *ret then, and leaves it alone otherwise.
 *
 * Only the last component decides, with its parent where that names the runtime or the pod. So:
 *  - false for pods, slices, conmon's scopes, and any cgroup nested inside a container's;
 *  - a container inside a container (kind, k3s, Docker in Docker) is a container of its own, and so
 *    is the node around it; pod_uid is set only directly below the pod's cgroup;
 *  - a pod's sandbox (pause) container looks like any other and is reported as one;
 *  - false for runc's and crun's own default with the cgroupfs driver (`/ID`, any name): only their
 *    state directory can prove those.
 */
bool cgroup_path_identify(const char *path, struct cgroup_identity *ret);
