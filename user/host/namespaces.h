/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of the host that lastout needs. In a namespace of its own it would find no container, take
 * living processes for dead, or never see the end of a settle period, without any error.
 */
#pragma once

#include "base/error.h"
#include "host/cgroupfs.h"

/* PROC_TIME_INIT_INO of the kernel (include/linux/proc_ns.h): the host's, as PROCFS_HOST_PID_NAMESPACE. */
#define NAMESPACES_HOST_TIME 0xEFFFFFFAU

/*
 * Is `proc` that of the host, and is this process in the host's PID namespace? 0; or a negative errno
 * with the reason and the remedy.
 */
int namespaces_check_pid(const char *proc, struct error *error);

/*
 * Do clocks show the host's time since boot? Process start times in /proc are shifted otherwise, those
 * in the kernel are not. A time namespace without an offset is fine. 0 or a negative errno, as above.
 */
int namespaces_check_time(const char *proc, struct error *error);

/*
 * Is the whole hierarchy mounted, and not only what is below a cgroup? A cgroup namespace of its own is
 * fine where the host's mount is seen, as in a pod. 0 or a negative errno, as above.
 */
int namespaces_check_cgroups(const struct hierarchy *hierarchy, struct error *error);
