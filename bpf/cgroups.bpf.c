// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup_mkdir and cgroup_rmdir: a cgroup came or went; whether it is a container's is for user
 * space to say. Both fire for v1 and v2 on all kernels since 5.10. The path is the tracepoint's own,
 * relative to the hierarchy's root. It fires before a process can be in the cgroup, so a new one is
 * counted from its very beginning; user space forgets it again if it is no container's.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "emit.h"
#include "task.h"

static __always_inline void emit_cgroup(__u32 what, __u64 id, const char *path)
{
	struct record_cgroup *record;

	record = record_reserve(RECORD_CGROUP, what, sizeof(*record), id);
	if (!record)
		return;
	if (bpf_probe_read_kernel_str(record->path, sizeof(record->path), path) < 0)
		record->path[0] = '\0';
	/* Always at once: a container that is known late has exits that nobody counted. */
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

/*
 * In a container: one that user space has confirmed, or one that has an init, which is enough while
 * user space cannot look.
 */
static __always_inline bool is_nested(struct cgroup *cgroup)
{
	for (int depth = 0; depth < CGROUP_DEPTH_MAX && cgroup; depth++) {
		__u64 id = BPF_CORE_READ(cgroup, kn, id);
		struct abi_container *around = bpf_map_lookup_elem(&containers, &id);

		if (bpf_map_lookup_elem(&confirmed, &id) || (around && around->init_pid))
			return true;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return false;
}

SEC("tp_btf/cgroup_mkdir")
int mkdir_btf(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	struct abi_container *container;
	__u64 id;

	if (!cgroup_is_ours(cgroup) || is_nested(cgroup))
		return 0; /* in a container: belongs to it */
	id = BPF_CORE_READ(cgroup, kn, id);
	if (!bpf_map_lookup_elem(&containers, &id)) {
		if (bpf_map_update_elem(&containers, &id, (const void *)&no_container, BPF_NOEXIST))
			loss_add(LOSS_CONTAINERS_FULL);
		/* No process can be in it yet, so nothing has depended on its generation. */
		container = bpf_map_lookup_elem(&containers, &id);
		if (container)
			container->generation = adoption.generation;
	}
	emit_cgroup(CGROUP_MADE, id, (const char *)ctx[1]);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int rmdir_btf(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	__u64 id = BPF_CORE_READ(cgroup, kn, id);

	if (cgroup_is_ours(cgroup) && bpf_map_lookup_elem(&containers, &id))
		emit_cgroup(CGROUP_REMOVED, id, (const char *)ctx[1]);
	return 0;
}
