/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last looks before a signal. A pidfd is opened first; if the process then is who it should
 * be, the pidfd will never be anybody else.
 */
#pragma once

#include "agent/watch.h"
#include "base/error.h"
#include "core/verify.h"

/*
 * Is init still that process, in that container, and one that may be ended at all? 0, -ESRCH if
 * it is dead, -EPERM with the reason in `error` if it must not be signalled, or another negative
 * errno if that cannot be told.
 */
int guard_check_init(struct watch *watch, const struct container *container, struct error *error);

/*
 * Reads the container's processes again, nested cgroups too, and looks at each. *ret_holder is the
 * one that forbids to end init; its pid is 0 if none does.
 */
int guard_find_holder(struct watch *watch, const struct container *container, bool injected_holds,
		      struct member *ret_holder);

/* Paused: frozen by the runtime or through an ancestor. */
bool guard_is_paused(struct watch *watch, const struct container *container);
