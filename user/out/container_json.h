/* SPDX-License-Identifier: Apache-2.0 */
/* A container and how things stand with it, as the control socket tells it; keys are an interface. */
#pragma once

#include "base/json.h"
#include "core/container.h"
#include "core/policy.h"
#include "core/verify.h"

struct container_view {
	const struct container *container;
	enum lifecycle_state state;
	const struct member *holder; /* a process that the counts do not show holds it; NULL */
	const struct policy_choice *choice;
	bool is_dry_run;
	uint64_t now_ns; /* CLOCK_BOOTTIME */
	uint64_t memory_bytes;
	bool has_memory;
	const char *watched_by;	 /* NULL: events */
	const char *watched_why; /* why not by events, and the remedy; NULL or "": it is */
};

/* The members of an object that the caller has begun and will end. */
void container_json_put(struct json *json, const struct container_view *view);

/* `match`, `label`, `annotation`, `environment`, `off`; NULL: no policy. */
const char *container_policy_why(const struct policy_choice *choice);
