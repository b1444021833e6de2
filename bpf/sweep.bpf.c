// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Iterator over `processes`, read after the task iterator has met everybody who lives: whoever was
 * not met in this generation is dead, and its exit was not seen, because the kernel skipped a run
 * of the exit hook (recursion_misses; since 7.1), or because nothing was attached. Such a one would
 * hold its container for ever. A process that joins meanwhile is of this generation from its start.
 * All kernels since 5.9.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "members.h"

SEC("iter/bpf_map_elem")
int sweep(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, tgid;
	struct abi_process *process = ctx->value;
	__u64 id;

	if (!key || !process || process->generation == adoption.generation)
		return 0;
	/* The entry may be another process's by now, or just becoming it: asked for anew, it is whole. */
	tgid = *key;
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
