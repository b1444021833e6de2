// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Takes out whoever was not met when all were counted: dead, and its exit was not seen, because the
 * kernel skipped a run of the exit hook (recursion_misses; since 7.1), or because nothing was
 * attached. Such a one would hold its container for ever. A process that joins meanwhile is of this
 * generation from its start.
 *
 * User space has looked through `processes` and lists the suspects in `sweeping`. The task iterator
 * only lends its calls: each takes one from the list, whatever task it is called for. An iterator over
 * the map itself would need no list, but may write to the map's values, and there are kernels that are
 * made to refuse every program of that kind, to root as well.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "members.h"

SEC("iter/task")
int sweep(struct bpf_iter__task *ctx)
{
	__u32 at = sweeping.done, tgid;
	struct abi_process *process;
	__u64 id;

	(void)ctx;
	if (at >= sweeping.count || at >= ABI_SWEEP_MAX)
		return 0;
	sweeping.done = at + 1;
	tgid = sweeping.tgids[at];
	/* The number may be another process's by now. */
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process || process->generation == adoption.generation)
		return 0;
	id = process->container; /* kernels before 5.11 take no key from a map's own memory */
	if (bpf_map_lookup_elem(&containers, &id))
		loss_add(LOSS_STALE);
	/* Else alive perhaps, but in what was no container after all. */
	process_lost(tgid);
	return 0;
}
