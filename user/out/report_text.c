// SPDX-License-Identifier: Apache-2.0
#include "out/report_text.h"

#include <string.h>

#include "base/duration.h"
#include "out/cell.h"
#include "out/reply_text.h"

/* Its last task has ended, and its init lives: finished or not, it is only there to be ended. */
static bool is_leftover(const json_t *container)
{
	static const char *const states[] = {"settling", "stopping", "killing"};
	const char *state = json_string_value(json_object_get(container, "state"));

	for (size_t i = 0; state && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(state, states[i]) == 0)
			return true;
	}
	return false;
}

json_t *leftovers_of(const json_t *containers)
{
	json_t *leftovers = json_array(), *container;
	size_t i;

	json_array_foreach(containers, i, container) {
		if (leftovers && is_leftover(container) &&
		    json_array_append(leftovers, container) < 0) {
			json_decref(leftovers);
			return NULL;
		}
	}
	return leftovers;
}

/* What is not known of one adds nothing. */
struct totals {
	size_t containers;
	double idle_s;
	double memory_bytes;
	double cpu_request;
};

static double positive(const json_t *container, const char *key)
{
	double value = json_number_value(json_object_get(container, key));

	return value > 0 && value < 1e18 ? value : 0;
}

static struct totals add_up(const json_t *leftovers)
{
	struct totals totals = {.containers = json_array_size(leftovers)};
	const json_t *container;
	size_t i;

	json_array_foreach(leftovers, i, container) {
		totals.idle_s += positive(container, "idle_s");
		totals.memory_bytes += positive(container, "memory_bytes");
		totals.cpu_request += positive(container, "cpu_request");
	}
	return totals;
}

/* `2 containers have only a process manager left, holding …`; nothing of what nobody knows. */
static void put_totals(struct buf *out, const struct totals *totals)
{
	double idle_s = totals->idle_s < 1e9 ? totals->idle_s : 1e9;
	char text[DURATION_TEXT_SIZE];

	buf_printf(out, "%zu container%s only a process manager left", totals->containers,
		   totals->containers == 1 ? " has" : "s have");
	duration_format((uint64_t)(idle_s * 1e9), text, sizeof(text));
	if (idle_s > 0)
		buf_printf(out, ", idle for %s in all", text);
	cell_format_bytes((uint64_t)totals->memory_bytes, text, sizeof(text));
	if (totals->memory_bytes > 0)
		buf_printf(out, ", holding %s of memory", text);
	if (totals->cpu_request > 0)
		buf_printf(out, ", with %.4g CPUs requested", totals->cpu_request);
	buf_putc(out, '\n');
}

void report_put_table(struct buf *out, const struct containers_style *style,
		      const json_t *leftovers)
{
	struct totals totals = add_up(leftovers);

	if (!totals.containers) {
		buf_puts(out, "no container has only its process manager left\n");
		return;
	}
	containers_put_table(out, style, leftovers);
	put_totals(out, &totals);
}

void report_put_json(struct buf *out, const json_t *leftovers)
{
	struct totals totals = add_up(leftovers);
	json_t *report = json_pack("{s:O, s:{s:I, s:f, s:I, s:f}}", "containers", leftovers,
				   "totals", "containers", (json_int_t)totals.containers, "idle_s",
				   totals.idle_s, "memory_bytes", (json_int_t)totals.memory_bytes,
				   "cpu_request", totals.cpu_request);

	if (report)
		reply_put_json(out, report);
	else
		out->failed = true;
	json_decref(report);
}
