// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that can have an init signalled when its task has exited: a record of 16 bytes, with a
 * wake-up, for each child of a process called `lives-init`. Checks nothing: lives.c starts one task
 * in each container.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "floor.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ends SEC(".maps");

SEC("tp_btf/sched_process_exit")
int floor_signal(__u64 *ctx)
{
	union {
		char comm[16];
		__u64 words[2];
	} is = {}, wanted = {.comm = "lives-init"};
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct floor_end *end;

	(void)ctx;
	BPF_CORE_READ_INTO(&is.comm, parent, comm);
	if (is.words[0] != wanted.words[0] || is.words[1] != wanted.words[1])
		return 0;
	end = bpf_ringbuf_reserve(&ends, sizeof(*end), 0);
	if (!end)
		return 0;
	end->time_ns = bpf_ktime_get_boot_ns();
	end->init_pid = BPF_CORE_READ(parent, tgid);
	end->pad = 0;
	bpf_ringbuf_submit(end, BPF_RB_FORCE_WAKEUP);
	return 0;
}
