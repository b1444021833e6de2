/* SPDX-License-Identifier: Apache-2.0 */
/* What the administrator wants done, and for which containers. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/lifecycle.h"

struct policy {
	const char *name;
	/* Globs over init's command name or the base name of its argv[0]; one must match. */
	const char *const *inits;
	size_t init_count;
	struct lifecycle_timing timing;
	int signal;	     /* asked with */
	bool injected_holds; /* docker exec and the like keep the container alive */
	bool is_dry_run;
};

/*
 * Does the policy speak of a container with this init? `argv0` may be a path or "". A policy
 * without any glob matches nothing.
 */
bool policy_matches(const struct policy *policy, const char *comm, const char *argv0);

/* Where a path's last component begins. */
const char *base_name(const char *path);
