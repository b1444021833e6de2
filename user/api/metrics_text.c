// SPDX-License-Identifier: Apache-2.0
/* The metrics as text. Names and labels are an interface: docs/operations.md tells what they mean. */

#include <utlist.h>

#include "agent/everybody.h"
#include "api/held.h"
#include "api/metrics_private.h"
#include "base/clock.h"
#include "host/usage.h"

typedef struct prometheus_label label;

static double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_SEC;
}

/* --- what the kernel side has counted --- */

static void put_exits(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_exits_total";
	static const char *const results[RESULT_COUNT] = {
		[RESULT_SUCCESS] = "success",
		[RESULT_FAILURE] = "failure",
		[RESULT_SIGNAL] = "signal",
		[RESULT_OOM] = "oom",
	};
	uint64_t exits[EXITS_COUNT];

	bpf_source_read_exits(watch_source(metrics->shared->watch), exits);
	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "Processes of containers that have exited, by role and by how.");
	for (unsigned role = ROLE_RUNTIME; role < ROLE_COUNT; role++) {
		for (unsigned result = 0; result < RESULT_COUNT; result++) {
			const label labels[] = {{"role", role_name((enum role)role)},
						{"result", results[result]},
						{0}};

			prometheus_put_uint(out, name, labels, exits[role * RESULT_COUNT + result]);
		}
	}
}

static void put_losses(const struct metrics *metrics, struct buf *out)
{
	static const char lost[] = "lastout_events_lost_total", resyncs[] = "lastout_resyncs_total";
	struct watch_losses losses;

	watch_read_losses(metrics->shared->watch, &losses);
	prometheus_put_head(out, lost, PROMETHEUS_COUNTER,
			    "Events that were lost on their way, by where they were.");
	for (unsigned kind = 0; kind < BPF_SOURCE_LOSS_KINDS; kind++) {
		const label labels[] = {{"source", bpf_source_loss_name(kind)}, {0}};

		prometheus_put_uint(out, lost, labels, losses.source.by_kind[kind]);
	}
	prometheus_put_head(out, resyncs, PROMETHEUS_COUNTER,
			    "How often all containers were read again, by why.");
	for (unsigned why = 0; why < WATCH_REREAD_COUNT; why++) {
		const label labels[] = {{"reason", watch_reread_name((enum watch_reread)why)}, {0}};

		prometheus_put_uint(out, resyncs, labels, losses.rereads[why]);
	}
}

/* --- containers --- */

struct sums {
	const struct metrics *metrics;
	uint64_t containers[LIFECYCLE_STATE_COUNT];
	uint64_t leftover_bytes;
};

static void add_container(void *context, struct container *container)
{
	struct sums *sums = context;
	struct follower_view view;
	uint64_t bytes;

	if (!container->follower)
		return;
	follower_look(container->follower, &view);
	sums->containers[view.state]++;
	if (metrics_is_leftover(view.state) &&
	    held_read_memory(sums->metrics->shared->watch, container, &bytes))
		sums->leftover_bytes += bytes;
}

static void put_containers(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_containers";
	struct sums sums = {.metrics = metrics};

	everybody_for_each(metrics->shared, add_container, &sums);
	prometheus_put_head(out, name, PROMETHEUS_GAUGE, "Containers that are there, by state.");
	for (unsigned state = 0; state < LIFECYCLE_STATE_COUNT; state++) {
		const label labels[] = {
			{"state", lifecycle_state_name((enum lifecycle_state)state)}, {0}};

		prometheus_put_uint(out, name, labels, sums.containers[state]);
	}
	prometheus_put_head(
		out, "lastout_leftover_bytes", PROMETHEUS_GAUGE,
		"Memory held by containers that only their process manager is left in.");
	prometheus_put_uint(out, "lastout_leftover_bytes", NULL, sums.leftover_bytes);
	prometheus_put_head(
		out, "lastout_leftover_seconds_total", PROMETHEUS_COUNTER,
		"Time that containers were there with only their process manager, summed.");
	prometheus_put_double(out, "lastout_leftover_seconds_total", NULL,
			      seconds(metrics_leftover_ns(metrics, clock_boot_ns())));
}

/* --- outcomes --- */

static void put_finished(struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_finished_total";
	const struct policy_set *set = &metrics->shared->policies->set;
	const struct finished *finished;

	for (size_t i = 0; i < set->count; i++) {
		if (set->policies[i].action == POLICY_FINISH)
			(void)metrics_finished(metrics, set->policies[i].name); /* from 0 on */
	}
	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "Containers whose init has ended under a policy, by how.");
	LL_FOREACH(metrics->finished, finished) {
		for (unsigned how = 0; how < METRICS_HOW_COUNT; how++) {
			const label labels[] = {{"how", outcome_how_name((enum outcome_how)how)},
						{"policy", finished->policy},
						{0}};

			prometheus_put_uint(out, name, labels, finished->by_how[how]);
		}
	}
}

static void put_fallbacks(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_status_fallbacks_total";

	prometheus_put_head(
		out, name, PROMETHEUS_COUNTER,
		"Inits that were to exit as their work had, and were signalled instead.");
	for (unsigned i = 0; i <= METRICS_REASONS_MAX && metrics->fallbacks[i].reason[0]; i++) {
		const label labels[] = {{"reason", metrics->fallbacks[i].reason}, {0}};

		prometheus_put_uint(out, name, labels, metrics->fallbacks[i].count);
	}
}

/* --- the agent itself --- */

static void put_build(const struct metrics *metrics, struct buf *out)
{
	const struct bpf_source *source = watch_source(metrics->shared->watch);
	const label labels[] = {
		{"version", metrics->build.version},
		{"build", metrics->build.build},
		{"libbpf", bpf_source_library()},
		{"hooks", bpf_source_variant(source)},
		{0},
	};

	prometheus_put_head(out, "lastout_build_info", PROMETHEUS_GAUGE,
			    "Always 1; what this agent is, in its labels.");
	prometheus_put_uint(out, "lastout_build_info", labels, 1);
}

static void put_blocked(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_finishes_blocked_total";

	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "Finishes that a policy asked for and a safety check blocked.");
	for (size_t i = 0; i < METRICS_CHECKS_MAX && metrics->blocked[i].check; i++) {
		const struct prometheus_label labels[] = {{"check", metrics->blocked[i].check},
							  {0}};

		prometheus_put_uint(out, name, labels, metrics->blocked[i].count);
	}
}

static void put_refused(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_system_calls_refused_total";
	const struct rights *rights = metrics->shared->rights;

	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "System calls that the agent's own filter refused.");
	prometheus_put_uint(out, name, NULL, rights ? rights_refused_calls(rights) : 0);
}

static void put_dropped(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_lines_dropped_total";
	const struct dropped_lines *dropped = &metrics->shared->dropped;
	const label outcomes[] = {{"stream", "stdout"}, {0}}, log[] = {{"stream", "stderr"}, {0}};

	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "Outcomes and log lines that no process read in time.");
	prometheus_put_uint(out, name, outcomes, dropped->outcomes ? *dropped->outcomes : 0);
	prometheus_put_uint(out, name, log, dropped->log ? *dropped->log : 0);
}

static void put_unread(const struct metrics *metrics, struct buf *out)
{
	static const char name[] = "lastout_state_read_errors_total";

	prometheus_put_head(out, name, PROMETHEUS_COUNTER,
			    "Times that a runtime's state could not be read.");
	prometheus_put_uint(out, name, NULL, watch_unread(metrics->shared->watch));
}

static void put_whole(struct buf *out, const char *name, const char *help, uint64_t value)
{
	prometheus_put_head(out, name, PROMETHEUS_GAUGE, help);
	prometheus_put_uint(out, name, NULL, value);
}

/* By the names that all of Prometheus' own libraries give these. */
static void put_process(const struct metrics *metrics, struct buf *out)
{
	struct usage usage;

	usage_read(watch_proc(metrics->shared->watch), &usage);
	prometheus_put_head(out, "process_cpu_seconds_total", PROMETHEUS_COUNTER,
			    "User and system time of the agent.");
	prometheus_put_double(out, "process_cpu_seconds_total", NULL, seconds(usage.cpu_ns));
	put_whole(out, "process_resident_memory_bytes", "Memory of the agent.",
		  usage.resident_bytes);
	put_whole(out, "process_virtual_memory_bytes", "Address space of the agent.",
		  usage.virtual_bytes);
	put_whole(out, "process_open_fds", "Descriptors that the agent has open.", usage.open_fds);
	put_whole(out, "process_max_fds", "Descriptors that the agent may have open.",
		  usage.max_fds);
	prometheus_put_head(out, "process_start_time_seconds", PROMETHEUS_GAUGE,
			    "When the agent was started, since 1970.");
	prometheus_put_double(out, "process_start_time_seconds", NULL,
			      seconds(clock_boot_to_unix_ns(usage.start_ns)));
}

void metrics_put(struct metrics *metrics, struct buf *out)
{
	/* What wakes nobody is told with the next record that does: an answer is to be current. */
	watch_drain(metrics->shared->watch);
	put_exits(metrics, out);
	prometheus_put_head(out, "lastout_last_exits_total", PROMETHEUS_COUNTER,
			    "Exits that have taken a container's tasks from one to zero.");
	prometheus_put_uint(out, "lastout_last_exits_total", NULL,
			    watch_last_exits(metrics->shared->watch));
	put_finished(metrics, out);
	prometheus_put_histogram(out, "lastout_finish_latency_seconds",
				 "From a last exit to the first signal to init, settle included.",
				 &metrics->latency);
	put_fallbacks(metrics, out);
	put_blocked(metrics, out);
	put_containers(metrics, out);
	put_losses(metrics, out);
	put_refused(metrics, out);
	put_unread(metrics, out);
	put_dropped(metrics, out);
	put_build(metrics, out);
	put_process(metrics, out);
}
