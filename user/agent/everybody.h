/* SPDX-License-Identifier: Apache-2.0 */
/* All containers that are followed: the host's own, and those in gVisor sandboxes. */
#pragma once

#include "agent/follower.h"

/*
 * A sandbox's host processes are in a cgroup that looks like a container: it is passed over where the
 * sandbox itself tells of that container.
 */
void everybody_for_each(const struct follower_shared *shared,
			void (*visit)(void *context, struct container *container), void *context);
unsigned everybody_count(const struct follower_shared *shared);
