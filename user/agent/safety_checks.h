/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last looks before a signal. A pidfd is opened first; if the process then is who it should
 * be, the pidfd will never be anybody else.
 */
#pragma once

#include "agent/watch.h"
#include "base/error.h"
#include "core/policy.h"

/*
 * Is init still that process, in that container, and one that may be ended at all? 0, -ESRCH if
 * it is dead, -EPERM with the reason in `error` if it must not be signalled, -EAGAIN if it is paused or
 * that will be known a little later, or another negative errno if that cannot be told. `policy` may permit an
 * init in a PID namespace that is not its container's own, and must name an init that is no supervisor
 * (NULL: not checked), unless a person requested the end. *ret_check is the name of the check that
 * failed; not set after 0.
 */
int guard_check_init(struct watch *watch, const struct container *container,
		     const struct policy *policy, bool is_requested, const char **ret_check,
		     struct error *error);

/* Is its init a gVisor sandbox's own process? Then it is no container, but the shell of some. */
bool guard_is_sandbox(struct watch *watch, const struct container *container);

/* The names of all safety checks, `limit` included. NULL: no more. */
const char *guard_check_name(size_t number);

/* Each guard by itself, with its verdict as guard_check_init gives it: for people who ask why. */
typedef void (*guard_tell_fn)(void *context, const char *name, int err, const char *text);
void guard_explain(struct watch *watch, const struct container *container,
		   const struct policy *policy, bool is_requested, guard_tell_fn tell,
		   void *context);

/* Paused: frozen by the runtime or through an ancestor. */
bool guard_is_paused(struct watch *watch, const struct container *container);
