// SPDX-License-Identifier: Apache-2.0
#include "core/container.h"

#include <string.h>

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

bool ended_is_unseen(const struct ended *ended)
{
	return ended->time_ns && !ended->is_known;
}

static void forget_before(struct ended *ended, uint64_t life_ns)
{
	if (ended->time_ns < life_ns)
		memset(ended, 0, sizeof(*ended));
}

void container_forget_ends(struct container *container)
{
	if (container->is_asked)
		return;
	forget_before(&container->last_task, container->life_ns);
	forget_before(&container->first_failure, container->life_ns);
}

void container_keep_former(struct container *container)
{
	struct program *former;

	if (container->former_count < ABI_FORMERS)
		container->former_count++;
	former = &container->formers[container->former_count - 1];
	memcpy(former->comm, container->init.comm, sizeof(former->comm));
	former->args = container->init_args;
}
