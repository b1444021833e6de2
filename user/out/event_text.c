// SPDX-License-Identifier: Apache-2.0
#include "out/event_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/escape.h"
#include "core/cputime.h"
#include "core/exit_status.h"
#include "out/cell.h"

/* Columns shown by width: as many as a terminal of 100 has room for, the rest when wide. */
enum column {
	COLUMN_TIME,
	COLUMN_CONTAINER,
	COLUMN_COMM,
	COLUMN_PID,
	COLUMN_PPID,
	COLUMN_NSPID,
	COLUMN_UID,
	COLUMN_ROLE,
	COLUMN_AGE,
	COLUMN_CPU,
	COLUMN_RSS,
	COLUMN_LEFT,
	COLUMN_EXIT,
	COLUMN_VERDICT,
	COLUMN_COUNT,
};

static const struct {
	const char *title;
	int width; /* negative: to the left */
	bool is_wide_only;
} columns[COLUMN_COUNT] = {
	[COLUMN_TIME] = {"TIME", -15, false}, [COLUMN_CONTAINER] = {"CONTAINER", -16, false},
	[COLUMN_COMM] = {"COMM", -15, false}, [COLUMN_PID] = {"PID", 7, false},
	[COLUMN_PPID] = {"PPID", 7, false},   [COLUMN_NSPID] = {"NSPID", 7, true},
	[COLUMN_UID] = {"UID", 6, true},      [COLUMN_ROLE] = {"ROLE", -8, true},
	[COLUMN_AGE] = {"AGE", 7, false},     [COLUMN_CPU] = {"CPU", 7, true},
	[COLUMN_RSS] = {"RSS", 7, true},      [COLUMN_LEFT] = {"LEFT", 4, false},
	[COLUMN_EXIT] = {"EXIT", -14, false}, [COLUMN_VERDICT] = {"VERDICT", -7, false},
};

static bool is_shown(const struct table_style *style, enum column column)
{
	return style->is_wide || !columns[column].is_wide_only;
}

static void put_cell(struct buf *out, enum column column, const char *text, const char *colour)
{
	cell_put(out, text, columns[column].width, column == COLUMN_VERDICT, colour);
}

void table_put_header(struct buf *out, const struct table_style *style)
{
	for (int column = 0; column < COLUMN_COUNT; column++) {
		if (is_shown(style, column))
			put_cell(out, column, columns[column].title, NULL);
	}
}

static void put_container_cell(struct buf *out, const struct table_style *style,
			       const struct container *container)
{
	const char *name = container ? container_name(container) : "-";
	struct buf cell = {0};

	escape_text(&cell, name, style->is_wide ? strlen(name) : cell_short_id_length(name));
	put_cell(out, COLUMN_CONTAINER, cell.data ? cell.data : "", NULL);
	buf_done(&cell);
}

static const char *verdict(const struct record_exit *record, const struct container *container)
{
	if (record->head.flags & EXIT_THREAD)
		return "thread";
	if (!container)
		return "-";
	if (record->role == ROLE_INIT)
		return "gone";
	if (record->head.flags & EXIT_LAST && !container->is_idle)
		return "last";
	return "-";
}

static void put_numbers(struct buf *out, const struct table_style *style,
			const struct record_exit *record)
{
	static const struct {
		enum column column;
		size_t at;
	} cells[] = {
		{COLUMN_PID, offsetof(struct record_exit, pid)},
		{COLUMN_PPID, offsetof(struct record_exit, parent_pid)},
		{COLUMN_NSPID, offsetof(struct record_exit, ns_pid)},
		{COLUMN_UID, offsetof(struct record_exit, uid)},
	};
	char text[16];
	uint32_t value;

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		if (!is_shown(style, cells[i].column))
			continue;
		memcpy(&value, (const char *)record + cells[i].at, sizeof(value));
		if (cells[i].column == COLUMN_PID && record->head.flags & EXIT_THREAD)
			value = record->tid;
		(void)snprintf(text, sizeof(text), "%u", value);
		put_cell(out, cells[i].column, text, NULL);
	}
}

static void put_usage(struct buf *out, const struct table_style *style,
		      const struct record_exit *record)
{
	char text[DURATION_TEXT_SIZE];

	duration_format(record->head.time_ns - record->start_ns, text, sizeof(text));
	put_cell(out, COLUMN_AGE, text, NULL);
	if (!style->is_wide)
		return;
	duration_format(record->runtime_ns, text, sizeof(text));
	put_cell(out, COLUMN_CPU, text, NULL);
	cell_format_bytes(record->max_rss_pages * (uint64_t)sysconf(_SC_PAGESIZE), text,
			  sizeof(text));
	put_cell(out, COLUMN_RSS, text, NULL);
}

void table_put_exit(struct buf *out, const struct table_style *style,
		    const struct record_exit *record, const struct container *container)
{
	char text[64];
	struct buf comm = {0};

	clock_format_short(record->head.time_ns, style->time, text, sizeof(text));
	put_cell(out, COLUMN_TIME, text, NULL);
	put_container_cell(out, style, container);
	escape_text(&comm, record->comm, strnlen(record->comm, sizeof(record->comm)));
	put_cell(out, COLUMN_COMM, comm.data ? comm.data : "", NULL);
	buf_done(&comm);
	put_numbers(out, style, record);
	if (style->is_wide)
		put_cell(out, COLUMN_ROLE, role_name(container ? record->role : ROLE_HOST), NULL);
	put_usage(out, style, record);
	(void)snprintf(text, sizeof(text), "%u", record->counts.tasks);
	put_cell(out, COLUMN_LEFT, container ? text : "-", NULL);
	exit_status_text(record->status, text, sizeof(text));
	put_cell(out, COLUMN_EXIT, text,
		 style->has_colour ? cell_status_colour(record->status) : NULL);
	put_cell(out, COLUMN_VERDICT, verdict(record, container), NULL);
}

void text_put_process(struct buf *out, const struct process *process)
{
	escape_text(out, process->comm, strlen(process->comm));
	buf_printf(out, "[%d]", process->pid);
}

void text_put_ended(struct buf *out, const struct ended *ended)
{
	char text[EXIT_STATUS_TEXT_SIZE];

	exit_status_text(ended->status, text, sizeof(text));
	text_put_process(out, &ended->process);
	if (exit_status_signal(ended->status))
		buf_printf(out, " was killed by %s", text);
	else
		buf_printf(out, " exited with %d", exit_status_code(ended->status));
}

static const char *const how_texts[] = {
	[OUTCOME_SELF] = "ended by itself",
	[OUTCOME_SIGNAL] = "ended when asked to",
	[OUTCOME_KILL] = "had to be killed",
	[OUTCOME_STATUS] = "ended by exit status",
	[OUTCOME_DRY_RUN] = "would be asked to end now (dry run)",
};

const char *text_outcome_how(const char *name)
{
	for (size_t how = 0; name && how < sizeof(how_texts) / sizeof(how_texts[0]); how++) {
		if (strcmp(name, outcome_how_name((enum outcome_how)how)) == 0)
			return how_texts[how];
	}
	return NULL;
}

/* `default/web-0/app` in a pod, else its name; where it has none, its id. */
static void put_name(struct buf *out, const struct container *container)
{
	const struct identity *identity = &container->identity;
	const char *name = container_name(container);

	if (identity->namespace && identity->pod) {
		escape_text(out, identity->namespace, strlen(identity->namespace));
		buf_putc(out, '/');
		escape_text(out, identity->pod, strlen(identity->pod));
		buf_putc(out, '/');
	}
	escape_text(out, name, strlen(name));
}

static void put_outcome(struct buf *out, const struct outcome *outcome)
{
	const struct container *container = outcome->container;
	char text[DURATION_TEXT_SIZE];

	buf_puts(out, "finished ");
	put_name(out, container);
	buf_printf(out, " (%s, %s%s): ", runtime_name(container->identity.runtime),
		   outcome->is_ordered ? "ordered, policy " : "policy ", outcome->policy);
	text_put_process(out, &container->init);
	buf_printf(out, " %s", how_texts[outcome->how]);
	if (container->init_exit.is_known) {
		exit_status_text(container->init_exit.status, text, sizeof(text));
		buf_printf(out, " (%s)", text);
	}
	if (container->last_task.is_known) {
		buf_puts(out, "; last task ");
		text_put_ended(out, &container->last_task);
	} else if (outcome->is_unseen) {
		buf_puts(out, "; how its last task ended was not seen");
	}
	if (outcome->fallback)
		buf_printf(out, ", not by exit status (%s)", outcome->fallback);
	if (outcome->has_latency) {
		duration_format(outcome->latency_ns, text, sizeof(text));
		buf_printf(out, ", first signal %s later", text);
	}
	buf_putc(out, '\n');
}

void text_put_outcome(struct buf *out, const struct outcome *outcome)
{
	char time[32];

	clock_format_short(outcome->time_ns, CLOCK_KIND_LOCAL, time, sizeof(time));
	buf_printf(out, "%s ", time);
	put_outcome(out, outcome);
}

void text_put_outcome_for_journal(struct buf *out, const struct outcome *outcome)
{
	buf_puts(out, "<6>");
	put_outcome(out, outcome);
}
