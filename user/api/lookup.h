/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/follower.h"

/*
 * The container that somebody means by an id, a name, or the beginning of an id, in this order. Of
 * several with one name, those that are not gone come first. -ENOENT if there is none, -EEXIST if it
 * could be several; with the reason in `error`.
 */
int lookup_container(const struct follower_shared *shared, const char *reference,
		     struct container **ret_container, struct error *error);
