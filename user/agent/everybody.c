// SPDX-License-Identifier: Apache-2.0
#include "agent/everybody.h"

#include <string.h>

struct visit {
	const struct follower_shared *shared;
	void (*visit)(void *context, struct container *container);
	void *context;
};

struct search {
	const char *id;
	bool is_found;
};

static void compare(void *context, struct gvisor_sandbox *sandbox)
{
	struct search *search = context;
	const struct container *guest = NULL;

	while ((guest = gvisor_sandbox_next(sandbox, (struct container *)guest)))
		search->is_found = search->is_found || strcmp(guest->identity.id, search->id) == 0;
}

static bool is_guests_shell(const struct follower_shared *shared, const struct container *container)
{
	struct search search = {.id = container->identity.id};

	if (shared->sandboxes)
		sandboxes_for_each(shared->sandboxes, compare, &search);
	return search.is_found;
}

static void visit_host(void *context, struct container *container)
{
	struct visit *visit = context;

	if (!is_guests_shell(visit->shared, container))
		visit->visit(visit->context, container);
}

static void visit_sandbox(void *context, struct gvisor_sandbox *sandbox)
{
	struct visit *visit = context;
	struct container *guest = gvisor_sandbox_next(sandbox, NULL), *next;

	for (; guest; guest = next) {
		next = gvisor_sandbox_next(sandbox, guest);
		visit->visit(visit->context, guest);
	}
}

void everybody_for_each(const struct follower_shared *shared,
			void (*visit)(void *context, struct container *container), void *context)
{
	struct visit all = {shared, visit, context};

	watch_for_each(shared->watch, visit_host, &all);
	if (shared->sandboxes)
		sandboxes_for_each(shared->sandboxes, visit_sandbox, &all);
}

static void count_one(void *context, struct container *container)
{
	unsigned *count = context;

	(void)container;
	(*count)++;
}

unsigned everybody_count(const struct follower_shared *shared)
{
	unsigned count = 0;

	everybody_for_each(shared, count_one, &count);
	return count;
}
