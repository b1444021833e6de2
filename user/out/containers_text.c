// SPDX-License-Identifier: Apache-2.0
#include "out/containers_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/escape.h"
#include "core/exit_status.h"
#include "out/cell.h"
#include "out/reply_text.h"

enum column {
	COLUMN_ID,
	COLUMN_NAME,
	COLUMN_POD,
	COLUMN_RUNTIME,
	COLUMN_IMAGE,
	COLUMN_INIT,
	COLUMN_TASKS,
	COLUMN_HELPERS,
	COLUMN_INJECTED,
	COLUMN_STATE,
	COLUMN_POLICY,
	COLUMN_LAST_EXIT,
	COLUMN_IDLE,
	COLUMN_MEMORY,
	COLUMN_CPU,
	COLUMN_COUNT,
};

/* Where a column is shown. */
enum {
	IN_BRIEF = 1 << 0,
	IN_WIDE = 1 << 1,
	IN_REPORT = 1 << 2,
	IN_LISTS = IN_BRIEF | IN_WIDE,
	IN_ALL = IN_LISTS | IN_REPORT,
};

static const struct {
	const char *title;
	bool is_number; /* to the right */
	unsigned shown;
} columns[COLUMN_COUNT] = {
	[COLUMN_ID] = {"ID", false, IN_ALL},
	[COLUMN_NAME] = {"NAME", false, IN_ALL},
	[COLUMN_POD] = {"POD", false, IN_ALL},
	[COLUMN_RUNTIME] = {"RUNTIME", false, IN_LISTS},
	[COLUMN_IMAGE] = {"IMAGE", false, IN_WIDE},
	[COLUMN_INIT] = {"INIT", false, IN_ALL},
	[COLUMN_TASKS] = {"TASKS", true, IN_LISTS},
	[COLUMN_HELPERS] = {"HELPERS", true, IN_LISTS},
	[COLUMN_INJECTED] = {"INJECTED", true, IN_WIDE},
	[COLUMN_STATE] = {"STATE", false, IN_LISTS},
	[COLUMN_POLICY] = {"POLICY", false, IN_ALL},
	[COLUMN_LAST_EXIT] = {"LAST EXIT", false, IN_ALL},
	[COLUMN_IDLE] = {"IDLE", true, IN_ALL},
	[COLUMN_MEMORY] = {"MEMORY", true, IN_ALL},
	[COLUMN_CPU] = {"CPU REQUEST", true, IN_REPORT},
};

static unsigned kind_of(const struct containers_style *style)
{
	if (style->is_report)
		return IN_REPORT;
	return style->is_wide ? IN_WIDE : IN_BRIEF;
}

/* A container's line: a text for each column. */
struct row {
	struct buf cells[COLUMN_COUNT];
	const char *exit_colour;
};

static void put_count(struct buf *cell, const json_t *count)
{
	if (json_is_integer(count))
		buf_printf(cell, "%lld", (long long)json_integer_value(count));
	else
		buf_putc(cell, '-');
}

static void put_id(struct buf *cell, const struct containers_style *style, const json_t *container)
{
	const char *id = json_string_value(json_object_get(container, "id"));

	if (!id)
		id = "-";
	escape_text(cell, id, style->is_wide ? strlen(id) : cell_short_id_length(id));
}

static void put_init(struct buf *cell, const struct containers_style *style, const json_t *init)
{
	if (style->is_wide && json_is_object(init))
		reply_put_process(cell, init);
	else
		reply_put_string(cell, json_object_get(init, "comm"));
}

/* Its name, and if it does not finish, that. */
static void put_policy(struct buf *cell, const json_t *container)
{
	const json_t *policy = json_object_get(container, "policy");
	const json_t *action = json_object_get(container, "action");
	const char *why = json_string_value(json_object_get(container, "policy_why"));

	if (!json_is_string(policy)) {
		buf_puts(cell, why && strcmp(why, "off") == 0 ? "off" : "-");
		return;
	}
	reply_put_string(cell, policy);
	if (json_is_true(json_object_get(container, "dry_run"))) {
		buf_puts(cell, " (dry run)");
	} else if (json_is_string(action) && strcmp(json_string_value(action), "finish") != 0) {
		buf_puts(cell, " (");
		reply_put_string(cell, action);
		buf_putc(cell, ')');
	}
}

static void put_last_exit(struct row *row, const json_t *last_exit)
{
	char text[EXIT_STATUS_TEXT_SIZE] = "-";
	int status = reply_status(last_exit);

	if (status < 0 && json_is_object(last_exit))
		(void)snprintf(text, sizeof(text), "unknown");
	if (status >= 0) {
		exit_status_text(status, text, sizeof(text));
		row->exit_colour = cell_status_colour(status);
	}
	buf_puts(&row->cells[COLUMN_LAST_EXIT], text);
}

static void put_idle(struct buf *cell, const json_t *idle)
{
	char text[DURATION_TEXT_SIZE] = "-";
	double seconds = json_number_value(idle);

	if (json_is_number(idle) && seconds >= 0 && seconds < 1e9)
		duration_format((uint64_t)(seconds * 1e9), text, sizeof(text));
	buf_puts(cell, text);
}

static void put_memory(struct buf *cell, const json_t *memory)
{
	char text[16] = "-";

	if (json_integer_value(memory) > 0)
		cell_format_bytes((uint64_t)json_integer_value(memory), text, sizeof(text));
	buf_puts(cell, text);
}

static void put_cpu(struct buf *cell, const json_t *request)
{
	if (json_is_number(request))
		buf_printf(cell, "%.4g", json_number_value(request));
	else
		buf_putc(cell, '-');
}

static void fill_row(struct row *row, const struct containers_style *style, const json_t *container)
{
	struct buf *cells = row->cells;

	put_id(&cells[COLUMN_ID], style, container);
	reply_put_string(&cells[COLUMN_NAME], json_object_get(container, "name"));
	if (!reply_put_pod(&cells[COLUMN_POD], container))
		buf_putc(&cells[COLUMN_POD], '-');
	reply_put_string(&cells[COLUMN_RUNTIME], json_object_get(container, "runtime"));
	reply_put_string(&cells[COLUMN_IMAGE], json_object_get(container, "image"));
	put_init(&cells[COLUMN_INIT], style, json_object_get(container, "init"));
	put_count(&cells[COLUMN_TASKS], json_object_get(container, "tasks"));
	put_count(&cells[COLUMN_HELPERS], json_object_get(container, "helpers"));
	put_count(&cells[COLUMN_INJECTED], json_object_get(container, "injected"));
	reply_put_string(&cells[COLUMN_STATE], json_object_get(container, "state"));
	if (json_is_object(json_object_get(container, "held_by")))
		buf_puts(&cells[COLUMN_STATE], ", held");
	put_policy(&cells[COLUMN_POLICY], container);
	put_last_exit(row, json_object_get(container, "last_exit"));
	put_idle(&cells[COLUMN_IDLE], json_object_get(container, "idle_s"));
	put_memory(&cells[COLUMN_MEMORY], json_object_get(container, "memory_bytes"));
	put_cpu(&cells[COLUMN_CPU], json_object_get(container, "cpu_request"));
}

static const char *text_of(const struct row *row, int column)
{
	return row->cells[column].data ? row->cells[column].data : "";
}

/* By pod, then by name, then by id: so that a line stays in its place when the table is redrawn. */
static int compare_rows(const void *a, const void *b)
{
	static const enum column keys[] = {COLUMN_POD, COLUMN_NAME, COLUMN_ID};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int order = strcmp(text_of(a, keys[i]), text_of(b, keys[i]));

		if (order)
			return order;
	}
	return 0;
}

struct table {
	struct row *rows;
	size_t count;
	int widths[COLUMN_COUNT]; /* 0: not shown */
};

static void measure(struct table *table, const struct containers_style *style)
{
	bool has_pods = false;

	for (size_t i = 0; i < table->count; i++)
		has_pods = has_pods || strcmp(text_of(&table->rows[i], COLUMN_POD), "-") != 0;
	for (int column = 0; column < COLUMN_COUNT; column++) {
		int width = cell_width(columns[column].title);

		if (!(columns[column].shown & kind_of(style)))
			continue;
		if (column == COLUMN_POD && !has_pods)
			continue;
		for (size_t i = 0; i < table->count; i++) {
			int cell = cell_width(text_of(&table->rows[i], column));

			width = cell > width ? cell : width;
		}
		table->widths[column] = width;
	}
}

/* `row` NULL: the heading. */
static void put_row(struct buf *out, const struct table *table, const struct row *row,
		    const struct containers_style *style)
{
	int last = COLUMN_COUNT - 1;

	while (!table->widths[last])
		last--;
	for (int column = 0; column <= last; column++) {
		int width = table->widths[column];
		bool has_colour = row && style->has_colour && column == COLUMN_LAST_EXIT;

		if (!width)
			continue;
		cell_put(out, row ? text_of(row, column) : columns[column].title,
			 columns[column].is_number ? width : -width, column == last,
			 has_colour ? row->exit_colour : NULL);
	}
}

static void free_rows(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		for (int column = 0; column < COLUMN_COUNT; column++)
			buf_done(&table->rows[i].cells[column]);
	}
	free(table->rows);
}

void containers_put_table(struct buf *out, const struct containers_style *style,
			  const json_t *containers)
{
	struct table table = {.count = json_array_size(containers)};

	table.rows = calloc(table.count + 1, sizeof(*table.rows));
	if (!table.rows) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < table.count; i++)
		fill_row(&table.rows[i], style, json_array_get(containers, i));
	qsort(table.rows, table.count, sizeof(*table.rows), compare_rows);
	measure(&table, style);
	put_row(out, &table, NULL, style);
	for (size_t i = 0; i < table.count; i++)
		put_row(out, &table, &table.rows[i], style);
	free_rows(&table);
}

void containers_put_losses(struct buf *out, const json_t *losses)
{
	const char *before = "lost, and made good by reading all containers again: ";
	json_t *members = (json_t *)losses; /* jansson's iterators take no const */
	const json_t *count;
	const char *kind;

	json_object_foreach(members, kind, count) {
		if (json_integer_value(count) <= 0)
			continue;
		buf_printf(out, "%s%lld ", before, (long long)json_integer_value(count));
		escape_text(out, kind, strlen(kind));
		before = ", ";
	}
	if (*before == ',')
		buf_putc(out, '\n');
}
