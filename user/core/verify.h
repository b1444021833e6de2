/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last look before a signal: is no process left that holds the container? The kernel's count
 * only proposes. Pure; agent/holders reads the processes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"

struct member {
	pid_t pid;
	enum role role;	   /* as the kernel side has it; ROLE_HOST: it does not know this process */
	uint64_t start_ns; /* 0: not known */
	bool is_dying;	   /* all its threads exit; what it has open may still be flushed */
	bool is_dead;	   /* its pidfd is readable, or it is gone */
	bool is_outside;   /* in another cgroup, in init's PID namespace or in one below */
};

/*
 * Does this process forbid to end init? Each process does that is not shown to be init, dead, a helper
 * or (unless `injected_holds`) injected. A dying process does until it is dead, and a process in
 * another cgroup does because it would die with init.
 */
bool verify_holds(const struct member *member, pid_t init, bool injected_holds);

/* What kind of process holds: its role, or what is special about it. */
const char *member_kind(const struct member *member);
