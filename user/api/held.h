/* SPDX-License-Identifier: Apache-2.0 */
/* What a container holds as long as it is there. */
#pragma once

#include "agent/watch.h"

/* Its memory, in bytes, as its cgroup counts it. False: nobody counts it, or it is gone. */
bool held_read_memory(struct watch *watch, const struct container *container, uint64_t *ret_bytes);
