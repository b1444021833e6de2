/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At most so many finishes of one workload in a window: a container that is started again each time
 * is not ended each time. Pure: the caller brings the time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/identity.h"
#include "core/policy.h"

struct limiter;

/* Remembers so many workloads at most. NULL if memory is short. */
struct limiter *limiter_new(size_t workloads_max);
void limiter_free(struct limiter *limiter);

/*
 * Whether a finish of this workload at `now_ns` would be within the limit: fewer than limit->count
 * in the window before. Always, without a limit.
 */
bool limiter_allows(const struct limiter *limiter, const char *workload,
		    const struct policy_limit *limit, uint64_t now_ns);

/*
 * Remembers a finish. Nothing to remember without a limit. Where the table is full, the workload
 * goes that was finished longest ago, and *ret_forgotten tells that its window was not over yet.
 * 0 or -ENOMEM; then the finish does not count.
 */
int limiter_record(struct limiter *limiter, const char *workload, const struct policy_limit *limit,
		   uint64_t now_ns, bool *ret_forgotten);

/*
 * Appends what is one workload from one container to the next: `NAMESPACE/POD/NAME` in pods, else
 * `RUNTIME/NAME`, and `RUNTIME/ID` where there is no name.
 */
void limiter_put_workload(struct buf *out, const struct identity *identity);
