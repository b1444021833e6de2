// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "maps.h"

containers_map containers SEC(".maps");
confirmed_map confirmed SEC(".maps");
history_map history SEC(".maps");
processes_map processes SEC(".maps");
helpers_map helpers SEC(".maps");
ring_map ring SEC(".maps");
losses_map losses SEC(".maps");
exits_map exits SEC(".maps");
told_map told SEC(".maps");
version_map version SEC(".maps");

const volatile struct abi_settings settings = {};
const volatile struct abi_container no_container = {};
struct abi_adopt adoption = {};
struct abi_sweep sweeping = {};
struct abi_suspects suspected = {};
__u64 ring_woken_at = 0;

/* The kernel takes GPL-only helpers (bpf_probe_read_kernel) from this. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
