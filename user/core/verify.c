// SPDX-License-Identifier: Apache-2.0
#include "core/verify.h"

#include "core/container.h"

bool verify_holds(const struct member *member, pid_t init, bool injected_holds)
{
	if (member->pid == init || member->is_dead)
		return false;
	if (member->is_dying || member->is_outside)
		return true;
	switch (member->role) {
	case ROLE_HELPER:
		return false;
	case ROLE_INJECTED:
		return injected_holds;
	default:
		return true;
	}
}

const char *member_kind(const struct member *member)
{
	if (member->is_dying)
		return "exiting, not dead yet";
	if (member->is_outside)
		return "in another cgroup, in its PID namespace";
	return role_name(member->role);
}
