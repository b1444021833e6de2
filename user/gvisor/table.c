// SPDX-License-Identifier: Apache-2.0
#include "gvisor/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "core/managers.h"
#include "gvisor/table_private.h"

int gvisor_table_new(const char *const *helpers, const struct gvisor_table_observer *observer,
		     struct gvisor_table **ret_table)
{
	struct gvisor_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->helpers = helpers;
	table->observer = *observer;
	*ret_table = table;
	return 0;
}

static void guest_free(struct gvisor_guest *guest)
{
	identity_done(&guest->container.identity);
	free(guest->container.path);
	free(guest);
}

void gvisor_table_free(struct gvisor_table *table)
{
	if (!table)
		return;
	while (table->guests)
		gvisor_table_remove(table, &table->guests->container);
	free(table);
}

void gvisor_table_set_time(struct gvisor_table *table, uint64_t boot_ns, uint64_t ahead_ns)
{
	table->boot_ns = boot_ns;
	table->ahead_ns = ahead_ns;
}

static void copy_text(char *ret_text, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		len = size - 1;
	memcpy(ret_text, text, len);
	ret_text[len] = '\0';
}

int gvisor_table_add(struct gvisor_table *table, const struct gvisor_named *named,
		     struct container **ret_container)
{
	struct gvisor_guest *guest;
	struct container *container;

	if (gvisor_table_find(table, named->id))
		return -EEXIST;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	container = &guest->container;
	container->path = strdup(named->cgroup);
	if (!container->path) {
		guest_free(guest);
		return -ENOMEM;
	}
	container->cgroup = named->key;
	copy_text(container->identity.id, sizeof(container->identity.id), named->id);
	copy_text(container->identity.pod_uid, sizeof(container->identity.pod_uid), named->pod_uid);
	container->init_args = named->init_args;
	(void)manager_led_by(&container->init_args, &container->led_args);
	container->identity.runtime = RUNTIME_RUNSC;
	DL_APPEND(table->guests, guest);
	*ret_container = container;
	return 0;
}

bool gvisor_table_tell(struct gvisor_table *table, struct container *container)
{
	struct gvisor_guest *guest = guest_of(container);

	if (guest->is_told)
		return false;
	guest->is_told = true;
	table->observer.on_change(table->observer.context, container, GVISOR_FOUND);
	return true;
}

void gvisor_table_remove(struct gvisor_table *table, struct container *container)
{
	struct gvisor_guest *guest = guest_of(container);
	struct gvisor_process *process, *next;

	HASH_ITER(hh, table->processes, process, next) {
		if (process->guest == guest)
			process_free(table, process);
	}
	DL_DELETE(table->guests, guest);
	if (guest->is_told)
		table->observer.on_change(table->observer.context, container, GVISOR_REMOVED);
	guest_free(guest);
}

struct container *gvisor_table_find(struct gvisor_table *table, const char *id)
{
	struct gvisor_guest *guest;

	DL_FOREACH(table->guests, guest) {
		if (strcmp(guest->container.identity.id, id) == 0)
			return &guest->container;
	}
	return NULL;
}

struct container *gvisor_table_next(struct gvisor_table *table, struct container *container)
{
	struct gvisor_guest *guest = container ? guest_of(container)->next : table->guests;

	return guest ? &guest->container : NULL;
}

void gvisor_table_miss(struct gvisor_table *table)
{
	struct gvisor_guest *guest;

	DL_FOREACH(table->guests, guest)
		guest->may_have_execed = true;
}

enum role gvisor_table_role(struct gvisor_table *table, pid_t pid)
{
	struct gvisor_process *process = process_find(table, pid);

	return process && !process->is_dead ? process->role : ROLE_HOST;
}

bool gvisor_table_is_dead(struct gvisor_table *table, pid_t pid)
{
	const struct gvisor_process *process = process_find(table, pid);

	return process && process->is_dead;
}

/* Events of the root container's init tell the end of its last thread, but not its own. */
void gvisor_table_end(struct gvisor_table *table)
{
	struct gvisor_process *process, *next;

	HASH_ITER(hh, table->processes, process, next) {
		struct gvisor_guest *guest = process->guest;

		if (process->is_dead || process->role != ROLE_INIT)
			continue;
		process_end(table, process,
			    &(struct ending){.status = guest->init_status,
					     .has_status = guest->has_init_status,
					     .tid = process->pid,
					     .time_ns = table->boot_ns});
	}
}
