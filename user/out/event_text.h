/* SPDX-License-Identifier: Apache-2.0 */
/* Events for people: a table of exits, a line an outcome. What a container controls is escaped. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "out/event_json.h"

struct table_style {
	enum clock_kind time;
	bool is_wide;
	bool has_colour;
};

void table_put_header(struct buf *out, const struct table_style *style);

/* `container` NULL: the process was in none. */
void table_put_exit(struct buf *out, const struct table_style *style,
		    const struct record_exit *record, const struct container *container);

/* One line that stands by itself. */
void text_put_outcome(struct buf *out, const struct outcome *outcome);
/* The same for systemd's journal: the time is the journal's, and a priority stands in front. */
void text_put_outcome_for_journal(struct buf *out, const struct outcome *outcome);

/* `had to be killed`, for the name that JSON has for it (`kill`); NULL: no such name. */
const char *text_outcome_how(const char *name);

/* `python3[4711]`, escaped. */
void text_put_process(struct buf *out, const struct process *process);

/* `python3[4711] exited with 3`, `python3[4711] was killed by SIGKILL`. */
void text_put_ended(struct buf *out, const struct ended *ended);
