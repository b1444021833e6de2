/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has happened since the agent began, counted, as Prometheus reads it. Everywhere, NULL for
 * the metrics is fine: nothing is counted then.
 */
#pragma once

#include "agent/follower.h"

struct metrics;

/* What stands in `lastout_build_info`; the strings must outlive the metrics. */
struct metrics_build {
	const char *version;
	const char *build;
};

/* `shared` must outlive it; its watch is not needed before metrics_put. NULL if memory is short. */
struct metrics *metrics_new(const struct follower_shared *shared,
			    const struct metrics_build *build);
void metrics_free(struct metrics *metrics);

void metrics_outcome(struct metrics *metrics, const struct outcome *outcome);
void metrics_blocked(struct metrics *metrics, const char *check);
void metrics_state(struct metrics *metrics, const struct container *container,
		   enum lifecycle_state state);

/* All of it, as it is now, in Prometheus' text format. */
void metrics_put(struct metrics *metrics, struct buf *out);
