/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a process's memory an instruction stands that makes a system call. Memory is only read. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "exit_by_status/registers.h"

/*
 * In the vDSO, else in whatever else of it is executable. -ENOENT if there is none, -ETIME if it was
 * not found until `deadline_ns` (CLOCK_BOOTTIME), or another negative errno.
 */
int syscall_site_find(const char *proc, pid_t pid, const struct syscall_instruction *instruction,
		      uint64_t deadline_ns, uint64_t *ret_address);
