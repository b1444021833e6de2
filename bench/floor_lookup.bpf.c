// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least that can know whether an exit matters: one look-up of the process in a hash. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} members SEC(".maps");

__u64 met;

SEC("tp_btf/sched_process_exit")
int floor_lookup(__u64 *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	(void)ctx;
	if (bpf_map_lookup_elem(&members, &tgid))
		met++; /* nobody is in it */
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
