/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* What the floors and their loader share. */
#ifndef __bpf__
#include <linux/types.h>
#endif

/* The container's init whose last task has exited, and when. */
struct floor_end {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u32 init_pid;
	__u32 pad;
};
