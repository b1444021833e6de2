/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers whose cgroup path does not name their runtime (`runc run web` makes `/web`): the
 * runtime's state directory proves them.
 */
#pragma once

#include <stdbool.h>

#include "core/cgroup_path.h"

/*
 * True if a runtime below `run` ("/run") keeps state for a container with the name of the path's last
 * component (runc, crun), or of its last two (containerd: namespace, id).
 */
bool state_dir_identify(const char *run, const char *path, struct cgroup_identity *ret_identity);
