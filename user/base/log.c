// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/journal.h"

static bool log_is_json;
static bool log_is_journal;
static enum log_level log_lowest = LOG_LEVEL_INFO;
static void (*log_writer)(void *context, const char *line, size_t len);
static void *log_writer_context;

static const char *const level_names[] = {"debug", "info", "warn", "error"};
/* syslog's: LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR. */
static const int priorities[] = {7, 6, 4, 3};

void log_setup(bool is_json, enum log_level lowest)
{
	log_is_json = is_json;
	log_is_journal = journal_has(STDERR_FILENO);
	log_lowest = lowest;
}

void log_set_writer(void (*write_line)(void *context, const char *line, size_t len), void *context)
{
	log_writer = write_line;
	log_writer_context = context;
}

void log_write(const char *line, size_t len)
{
	if (log_writer)
		log_writer(log_writer_context, line, len);
	else if (write(STDERR_FILENO, line, len) < 0)
		return; /* there is no other place to say it */
}

void log_begin(struct log_line *line, enum log_level level, const char *event, const char *message)
{
	char time[40];

	memset(line, 0, sizeof(*line));
	line->is_wanted = level >= log_lowest;
	if (!line->is_wanted)
		return;
	if (!log_is_json && log_is_journal) {
		buf_printf(&line->buf, "<%d>%s", priorities[level], message);
		return;
	}
	if (!log_is_json) {
		clock_format_short(clock_boot_ns(), CLOCK_KIND_LOCAL, time, sizeof(time));
		buf_printf(&line->buf, "%s %-5s %s", time, level_names[level], message);
		return;
	}
	clock_format_rfc3339(clock_boot_ns(), time, sizeof(time));
	json_init(&line->json, &line->buf);
	json_object_begin(&line->json, NULL);
	json_string(&line->json, "time", time);
	json_string(&line->json, "level", level_names[level]);
	json_string(&line->json, "event", event);
	json_string(&line->json, "message", message);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
	if (!line->is_wanted)
		return;
	if (log_is_json) {
		json_string(&line->json, key, value);
		return;
	}
	buf_printf(&line->buf, " %s=", key);
	if (value)
		escape_quoted(&line->buf, value, strlen(value));
}

void log_uint(struct log_line *line, const char *key, uint64_t value)
{
	if (!line->is_wanted)
		return;
	if (log_is_json)
		json_uint(&line->json, key, value);
	else
		buf_printf(&line->buf, " %s=%" PRIu64, key, value);
}

void log_end(struct log_line *line)
{
	if (line->is_wanted) {
		if (log_is_json)
			json_object_end(&line->json);
		buf_putc(&line->buf, '\n');
		if (!line->buf.failed)
			log_write(line->buf.data, line->buf.len);
	}
	buf_done(&line->buf);
}

void log_message(enum log_level level, const char *event, const char *message)
{
	struct log_line line;

	log_begin(&line, level, event, message);
	log_end(&line);
}
