/* SPDX-License-Identifier: Apache-2.0 */
/* A container's config.json, as the OCI runtime specification has it: the runtime's orders. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/identity.h"

/*
 * Whose annotations say what pod it is. Only those of the runtime that wrote the file: it passes on
 * others that the pod, or anybody who starts a container, made up.
 */
enum oci_pod {
	OCI_POD_NONE,
	OCI_POD_CRI, /* containerd */
	OCI_POD_CRIO,
};

/*
 * Takes annotations, environment, and what the runtime says of the pod. 0, -EAGAIN if it is no JSON
 * object (half written), or -ENOMEM.
 */
int oci_spec_take(const char *text, size_t len, enum oci_pod pod, struct identity *identity);

/* The same from `PATH/config.json` below an open directory; errors of state_file_read too. */
int oci_spec_read(int dir, const char *path, enum oci_pod pod, struct identity *identity);

enum oci_cgroup {
	OCI_CGROUP_UNTOLD, /* no orders, or in systemd's words */
	OCI_CGROUP_SAME,
	OCI_CGROUP_OTHER,
};

/* Is this the cgroup that the orders name? */
enum oci_cgroup oci_spec_compare_cgroup(const char *text, size_t len, const char *cgroup_path);

/* The same with `PATH/config.json` below an open directory. */
enum oci_cgroup oci_spec_compare_cgroup_of(int dir, const char *path, const char *cgroup_path);
