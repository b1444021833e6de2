/* SPDX-License-Identifier: Apache-2.0 */
/* Follows one container through its life, and ends its init when the policy says so. */
#pragma once

#include <event2/event.h>

#include "agent/watch.h"
#include "core/policy.h"
#include "out/event_json.h"

struct follower;

/* What all followers share; outlives them. */
struct follower_shared {
	struct event_base *base;
	struct watch *watch;
	const struct policy_set *policies;
	bool is_dry_run;
	void (*on_outcome)(void *context, const struct outcome *outcome);
	/* Optional: the container has entered this state, and what that asks for has been done. */
	void (*on_state)(void *context, const struct container *container,
			 enum lifecycle_state state);
	void *context;
};

/* NULL if memory is short. Follows `container`, and is found there as container->follower. */
struct follower *follower_new(const struct follower_shared *shared, struct container *container);
void follower_free(struct follower *follower);

/* What the watch tells about the container. */
void follower_change(struct follower *follower, enum watch_change change);
void follower_exit(struct follower *follower, const struct record_exit *record);
