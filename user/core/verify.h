/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last look before a signal: is really nobody left but init and its helpers? The kernel's
 * count only proposes. Pure; who reads the processes is agent/guard.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "abi.h"

struct member {
	pid_t pid;
	enum role role; /* as the kernel side has it; ROLE_HOST: it does not know this process */
	bool is_dying;	/* every thread is past the point of no return, or it is a zombie */
};

/*
 * Does this process of the container forbid to end init? Everybody does who is not shown to be
 * init, a helper, dying, or (unless `injected_holds`) injected: also who is unknown.
 */
bool verify_holds(const struct member *member, pid_t init, bool injected_holds);
