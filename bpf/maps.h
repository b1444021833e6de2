/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* The state that all hooks share; defined in maps.bpf.c, linked to one object. */
#include "abi.h"

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct abi_container);
} containers_map;

/*
 * Those of `containers` that user space has said are some. Until it has, a new cgroup is counted on
 * the suspicion: work that is over before user space has looked is not forgotten.
 */
typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u8);
} confirmed_map;

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct abi_history);
} history_map;

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct abi_process);
} processes_map;

typedef struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 256);
	__type(key, struct abi_helper_key);
	__type(value, __u32);
} helpers_map;

typedef struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring_map;

typedef struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} losses_map;

/* Exits of members, by role and result. No record tells of most of them: the agent wants few. */
typedef struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EXITS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} exits_map;

/* Written and read by user space alone, when maps are pinned. */
typedef struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_version);
} version_map;

/*
 * Processes whose exit was told already (exit.bpf.c), and apart from those, processes whose exit came
 * while somebody counted (adopt.h).
 */
enum told_to { TOLD_ALL, TOLD_ADOPTION };

struct told_key {
	__u64 start_ns;
	__u32 tgid;
	__u32 to; /* enum told_to */
};

typedef struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct told_key);
	__type(value, __u8);
} told_map;

extern containers_map containers SEC(".maps");
extern confirmed_map confirmed SEC(".maps");
extern history_map history SEC(".maps");
extern processes_map processes SEC(".maps");
extern helpers_map helpers SEC(".maps");
extern ring_map ring SEC(".maps");
extern losses_map losses SEC(".maps");
extern exits_map exits SEC(".maps");
extern told_map told SEC(".maps");
extern version_map version SEC(".maps");

extern const volatile struct abi_settings settings;
extern const volatile struct abi_container no_container; /* too large for the stack */
extern struct abi_adopt adoption;
extern struct abi_sweep sweeping;
extern struct abi_suspects suspected;
extern __u64 ring_woken_at;

static __always_inline void loss_add(__u32 loss)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &loss);

	if (count)
		(*count)++;
}
