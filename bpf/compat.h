/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Differences between kernels, all in one place. Features are asked for, never versions.
 */
#include "maps.h"

/* Keeps the compiler from leaving out a comparison of the variable that verifiers up to 6.1 need. */
#define for_verifier(variable) asm volatile("" : "+r"(variable))

/*
 * sched_process_exit says itself whether the whole group is dead, since 6.16 (measured; absent in
 * 6.12). User space looks it up: an exists-check on the context's type, which older kernels lack,
 * makes libbpf search the modules' BTF, and that needs CAP_SYS_ADMIN. Can go with 6.12.
 */
static __always_inline int group_dead_btf(__u64 *ctx)
{
	if (!settings.has_group_dead)
		return -1;
	/* Where the argument is missing, the verifier must not see this. */
	return (__u8)ctx[1] != 0;
}

static __always_inline int group_dead_classic(void *ctx)
{
	__u8 is_dead = 0;

	if (!settings.group_dead_at)
		return -1;
	bpf_probe_read_kernel(&is_dead, sizeof(is_dead), ctx + settings.group_dead_at);
	return is_dead;
}

/* task_rename carries the renamed thread's id; without the field it is the current thread's. */
static __always_inline __u32 renamed_tid(struct trace_event_raw_task_rename *ctx)
{
	if (bpf_core_field_exists(ctx->pid))
		return BPF_CORE_READ(ctx, pid);
	return (__u32)bpf_get_current_pid_tgid();
}
