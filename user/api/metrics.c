// SPDX-License-Identifier: Apache-2.0
#include "api/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "agent/safety_checks.h"
#include "api/metrics_private.h"
#include "base/clock.h"
#include "exit_by_status/exit_by_status.h"

/* From lastout's own time after a settle of 0 to the settle of a patient policy. */
static const double latency_bounds[] = {0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1,
					2.5,   5,     10,    30,  60,	120, 300};

_Static_assert(sizeof(latency_bounds) <= sizeof(((struct metrics *)NULL)->latency.bounds),
	       "all bounds of the latency have room");

/* What is there at 0 already shows its first increase, too. */
static void name_fallbacks(struct metrics *metrics)
{
	size_t at = 0;

	for (int result = EXIT_BY_STATUS_HELD; result <= EXIT_BY_STATUS_TRACER_DIED; result++)
		(void)snprintf(metrics->fallbacks[at++].reason,
			       sizeof(metrics->fallbacks[0].reason), "%s",
			       exit_by_status_word((enum exit_by_status_result)result));
}

static void name_checks(struct metrics *metrics)
{
	for (size_t i = 0; i < METRICS_CHECKS_MAX; i++)
		metrics->blocked[i].check = guard_check_name(i);
}

struct metrics *metrics_new(const struct follower_shared *shared, const struct metrics_build *build)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return NULL;
	metrics->shared = shared;
	metrics->build = *build;
	memcpy(metrics->latency.bounds, latency_bounds, sizeof(latency_bounds));
	name_fallbacks(metrics);
	name_checks(metrics);
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	struct finished *finished, *next;
	struct leftover *leftover, *after;

	if (!metrics)
		return;
	leftover = metrics->leftovers;
	HASH_CLEAR(hh, metrics->leftovers); /* the table only; its entries stay chained */
	for (; leftover; leftover = after) {
		after = leftover->hh.next;
		free(leftover);
	}
	LL_FOREACH_SAFE(metrics->finished, finished, next) {
		free(finished->policy);
		free(finished);
	}
	free(metrics);
}

void metrics_blocked(struct metrics *metrics, const char *check)
{
	for (size_t i = 0; metrics && i < METRICS_CHECKS_MAX && metrics->blocked[i].check; i++)
		metrics->blocked[i].count += strcmp(metrics->blocked[i].check, check) == 0;
}

/* --- outcomes --- */

static struct finished *find_finished(const struct metrics *metrics, const char *policy)
{
	struct finished *finished;

	LL_FOREACH(metrics->finished, finished) {
		if (strcmp(finished->policy, policy) == 0)
			break;
	}
	return finished;
}

struct finished *metrics_finished(struct metrics *metrics, const char *policy)
{
	struct finished *finished = find_finished(metrics, policy);

	if (!finished && metrics->finished_count >= METRICS_POLICIES_MAX) {
		policy = METRICS_OTHER;
		finished = find_finished(metrics, policy);
	}
	if (finished)
		return finished;
	finished = calloc(1, sizeof(*finished));
	if (finished)
		finished->policy = strdup(policy);
	if (!finished || !finished->policy) {
		free(finished);
		return NULL;
	}
	LL_APPEND(metrics->finished, finished);
	metrics->finished_count++;
	return finished;
}

static void count_fallback(struct metrics *metrics, const char *reason)
{
	struct fallback *fallback = metrics->fallbacks;
	const struct fallback *last = metrics->fallbacks + METRICS_REASONS_MAX;

	while (fallback < last && fallback->reason[0] && strcmp(fallback->reason, reason) != 0)
		fallback++;
	if (!fallback->reason[0])
		(void)snprintf(fallback->reason, sizeof(fallback->reason), "%s",
			       fallback == last ? METRICS_OTHER : reason);
	fallback->count++;
}

void metrics_outcome(struct metrics *metrics, const struct outcome *outcome)
{
	struct finished *finished;

	if (!metrics)
		return;
	finished = metrics_finished(metrics, outcome->policy);
	if (finished)
		finished->by_how[outcome->how]++;
	if (outcome->fallback)
		count_fallback(metrics, outcome->fallback);
	/* Who ends a container by hand has not waited for its last exit. */
	if (outcome->has_latency && !outcome->is_ordered)
		prometheus_observe(&metrics->latency, (double)outcome->latency_ns / NS_PER_SEC);
}

/* --- leftovers --- */

bool metrics_is_leftover(enum lifecycle_state state)
{
	return state == LIFECYCLE_SETTLING || state == LIFECYCLE_STOPPING ||
	       state == LIFECYCLE_KILLING;
}

static void begin_leftover(struct metrics *metrics, uint64_t cgroup)
{
	struct leftover *leftover = calloc(1, sizeof(*leftover));

	if (!leftover)
		return; /* its time is not counted */
	leftover->cgroup = cgroup;
	/* Not since its last exit, of which an agent before this one may have told. */
	leftover->since_ns = clock_boot_ns();
	HASH_ADD(hh, metrics->leftovers, cgroup, sizeof(leftover->cgroup), leftover);
}

static void end_leftover(struct metrics *metrics, struct leftover *leftover)
{
	metrics->leftover_ns += clock_boot_ns() - leftover->since_ns;
	HASH_DEL(metrics->leftovers, leftover);
	free(leftover);
}

void metrics_state(struct metrics *metrics, const struct container *container,
		   enum lifecycle_state state)
{
	struct leftover *leftover;

	if (!metrics)
		return;
	HASH_FIND(hh, metrics->leftovers, &container->cgroup, sizeof(container->cgroup), leftover);
	if (metrics_is_leftover(state) && !leftover)
		begin_leftover(metrics, container->cgroup);
	else if (!metrics_is_leftover(state) && leftover)
		end_leftover(metrics, leftover);
}

uint64_t metrics_leftover_ns(const struct metrics *metrics, uint64_t now_ns)
{
	const struct leftover *leftover;
	uint64_t sum = metrics->leftover_ns;

	for (leftover = metrics->leftovers; leftover; leftover = leftover->hh.next)
		sum += now_ns - leftover->since_ns;
	return sum;
}
