/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that hold a container, read again just before a signal: those in its cgroup and in
 * nested ones, those in other cgroups that would die with init, and those that exit and are not dead.
 */
#pragma once

#include "agent/watch.h"
#include "core/verify.h"

/* The first process that forbids to end init; its pid is 0 if none does. Also in a fork of the agent. */
int holders_find(struct watch *watch, const struct container *container, bool injected_holds,
		 struct member *ret_holder);

/* All processes, for show: *ret_members is the caller's to free. */
int holders_list(struct watch *watch, const struct container *container,
		 struct member **ret_members, size_t *ret_count);

/*
 * Why a killed init does not end: a process of its PID namespace that is not dead, or a zombie that a
 * process outside does not reap. -ENOENT if there is none.
 */
int holders_find_stuck(struct watch *watch, const struct container *container,
		       struct abi_holder *ret_holder);
