/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the metrics share, and nobody else includes. */
#pragma once

#include <uthash.h>

#include "api/metrics.h"
#include "out/prometheus.h"

enum {
	/* Names come from the configuration alone, but may be others after each reload. */
	METRICS_POLICIES_MAX = 512,
	METRICS_REASONS_MAX = 32,
	METRICS_CHECKS_MAX = 16,
	METRICS_HOW_COUNT = OUTCOME_DRY_RUN + 1,
};

/* What becomes of a label that is one too many. */
#define METRICS_OTHER "other"

struct finished {
	char *policy;
	uint64_t by_how[METRICS_HOW_COUNT];
	struct finished *next;
};

/* Finishes that a safety check has blocked. */
struct blocked {
	const char *check;
	uint64_t count;
};

struct fallback {
	char reason[32];
	uint64_t count;
};

/* A container with nobody in it but its process manager, and since when. */
struct leftover {
	uint64_t cgroup;
	uint64_t since_ns;
	UT_hash_handle hh;
};

struct metrics {
	const struct follower_shared *shared;
	struct metrics_build build;
	struct finished *finished; /* in the order of their coming */
	unsigned finished_count;
	struct fallback
		fallbacks[METRICS_REASONS_MAX + 1]; /* in use up to the first without reason */
	struct blocked blocked[METRICS_CHECKS_MAX]; /* in use up to the first without name */
	struct prometheus_histogram latency;
	struct leftover *leftovers;
	uint64_t leftover_ns; /* of those that are leftovers no more */
};

/* Finds it or makes it; beyond METRICS_POLICIES_MAX the one for all others. NULL: no memory. */
struct finished *metrics_finished(struct metrics *metrics, const char *policy);

/* Is nobody left but init and its helpers, in this state? */
bool metrics_is_leftover(enum lifecycle_state state);

/* All leftover time so far. */
uint64_t metrics_leftover_ns(const struct metrics *metrics, uint64_t now_ns);
