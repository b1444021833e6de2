// SPDX-License-Identifier: Apache-2.0
/*
 * Which containers share a PID namespace. Asked before each end: with a count of the users of each, the
 * usual answer, nobody else, costs two look-ups however many containers there are.
 */
#include <stdlib.h>

#include "agent/watch_private.h"
#include "host/procfs.h"

struct namespace_users {
	ino_t inode; /* 0: those whose namespace is not known */
	unsigned count;
	UT_hash_handle hh;
};

static struct namespace_users *find_users(const struct watch *watch, ino_t inode)
{
	struct namespace_users *users;

	HASH_FIND(hh, watch->namespaces, &inode, sizeof(inode), users);
	return users;
}

static void add_user(struct watch *watch, ino_t inode)
{
	struct namespace_users *users = find_users(watch, inode);

	if (!users) {
		users = calloc(1, sizeof(*users));
		if (!users) { /* from now on nobody is known to be the only one */
			watch->is_namespace_uncounted = true;
			return;
		}
		users->inode = inode;
		HASH_ADD(hh, watch->namespaces, inode, sizeof(inode), users);
	}
	users->count++;
}

static void drop_user(struct watch *watch, ino_t inode)
{
	struct namespace_users *users = find_users(watch, inode);

	if (users && --users->count == 0) {
		HASH_DEL(watch->namespaces, users);
		free(users);
	}
}

void watch_add_namespace(struct watch *watch, const struct watched *watched)
{
	add_user(watch, watched->container.pid_namespace);
}

void watch_drop_namespace(struct watch *watch, const struct watched *watched)
{
	drop_user(watch, watched->container.pid_namespace);
}

void watch_set_namespace(struct watch *watch, struct container *container, ino_t inode)
{
	drop_user(watch, container->pid_namespace);
	container->pid_namespace = inode;
	add_user(watch, inode);
}

/* One that is gone counts as well: too many is the safe side. */
static bool is_sole_user(const struct watch *watch, const struct container *container, ino_t inode)
{
	const struct namespace_users *users = find_users(watch, inode);

	return container->pid_namespace == inode && users && users->count == 1 &&
	       !find_users(watch, 0) && !watch->is_namespace_uncounted;
}

/* A container whose init is not known: any of its processes may be in the namespace. */
static bool has_member_in(struct watch *watch, const struct watched *watched, ino_t inode)
{
	pid_t *pids = NULL;
	size_t count = 0;
	bool found = false;
	ino_t other;

	if (cgroupfs_read_procs(&watch->hierarchy, watched->container.path, &pids, &count) < 0)
		return false; /* gone */
	for (size_t i = 0; i < count && !found; i++)
		found = procfs_read_pid_namespace(watch->options.proc, pids[i], &other) == 0 &&
			other == inode;
	free(pids);
	return found;
}

const struct container *watch_find_pid_namespace(struct watch *watch,
						 const struct container *container, ino_t inode)
{
	struct watched *watched, *next;

	if (is_sole_user(watch, container, inode))
		return NULL;
	HASH_ITER(hh, watch->table, watched, next) {
		ino_t known = watched->container.pid_namespace;

		if (&watched->container == container || watched->container.is_gone)
			continue;
		if (known ? known == inode : has_member_in(watch, watched, inode))
			return &watched->container;
	}
	return NULL;
}
