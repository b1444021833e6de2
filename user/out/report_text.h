/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers with nobody in them but their process manager, and what they hold. `containers` is the
 * array of the agent's reply, `leftovers` those of it that leftovers_of has chosen.
 */
#pragma once

#include <jansson.h>

#include "out/containers_text.h"

/* The caller's to json_decref; NULL without memory. */
json_t *leftovers_of(const json_t *containers);

/* A table, and a line of what it comes to. */
void report_put_table(struct buf *out, const struct containers_style *style,
		      const json_t *leftovers);

/* One object, in a line: `containers`, as the agent tells them, and `totals`. */
void report_put_json(struct buf *out, const json_t *leftovers);
