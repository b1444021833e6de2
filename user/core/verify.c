// SPDX-License-Identifier: Apache-2.0
#include "core/verify.h"

bool verify_holds(const struct member *member, pid_t init, bool injected_holds)
{
	if (member->pid == init || member->is_dying)
		return false;
	switch (member->role) {
	case ROLE_HELPER:
		return false;
	case ROLE_INJECTED:
		return injected_holds;
	default:
		return true;
	}
}
