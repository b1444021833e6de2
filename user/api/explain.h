/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/follower.h"
#include "base/json.h"

/* How things stand with a container, as JSON members: the short form, for a list. */
void explain_put_brief(struct json *json, const struct follower_shared *shared,
		       const struct container *container);

/* What more there is: policies, members, guards, and what would be done when. */
void explain_put_rest(struct json *json, const struct follower_shared *shared,
		      const struct container *container);
