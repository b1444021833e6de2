// SPDX-License-Identifier: Apache-2.0
#include "core/container.h"

const char *role_name(enum role role)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_HOST] = "host", [ROLE_RUNTIME] = "runtime", [ROLE_INIT] = "init",
		[ROLE_TASK] = "task", [ROLE_HELPER] = "helper",	  [ROLE_INJECTED] = "injected",
	};

	return role < ROLE_COUNT ? names[role] : "unknown";
}

bool container_is_guest(const struct container *container)
{
	return container->cgroup & CONTAINER_GUEST_BIT;
}

bool container_is_unidentified(const struct container *container)
{
	return container->identified == IDENTIFIED_PENDING ||
	       container->identified == IDENTIFIED_HALF;
}

bool container_is_fully_read(const struct container *container)
{
	return container->identified == IDENTIFIED || container->identified == IDENTIFIED_BY_PATH;
}

const char *container_name(const struct container *container)
{
	return container->identity.name ? container->identity.name : container->identity.id;
}
