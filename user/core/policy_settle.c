// SPDX-License-Identifier: Apache-2.0
/* How long to wait after a last exit: a process manager starts again what failed or ended early. */
#include "core/policy.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* Shorter ones are set-up commands, or failed to start. */
enum { SHORT_S = 1 };

/* NULL: as a task ends whose work is done. */
static const char *why_restart(const struct ended *last)
{
	if (!last->is_known)
		return "how the last task ended is not known";
	if (last->status)
		return "the last task failed";
	if (last->time_ns < last->process.start_ns + SHORT_S * NS_PER_S)
		return "the last task lived for less than a second";
	return NULL;
}

static uint64_t choose_ns(bool is_own, uint64_t policy_ns, uint64_t row_ms, const char **ret_from)
{
	*ret_from = is_own ? "policy" : row_ms ? "manager" : "defaults";
	return is_own || !row_ms ? policy_ns : row_ms * NS_PER_MS;
}

struct policy_settle policy_settle(const struct policy *policy, const struct manager *manager,
				   const struct ended *last)
{
	const char *why = why_restart(last);
	struct policy_settle settle = {.key = "settle"}, restart = {.key = "restart_settle"};

	settle.ns = choose_ns(policy->has_settle, policy->timing.settle_ns,
			      manager ? manager->settle_ms : 0, &settle.from);
	restart.ns = choose_ns(policy->has_restart_settle, policy->restart_settle_ns,
			       manager ? manager->restart_settle_ms : 0, &restart.from);
	settle.why = "the last task exited with 0 after a second or more";
	if (!why)
		return settle;
	if (restart.ns < settle.ns) {
		restart.ns = settle.ns;
		restart.from = settle.from;
	}
	restart.why = why;
	return restart;
}
