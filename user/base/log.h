/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log, on stderr: a line is an event, a message for people and fields. As text
 * (`03:17:00.123 info  watching containers=3`, and to systemd's journal, which has time and level of
 * its own, `<6>watching containers=3`) or JSON, one object a line. Whatever a
 * container had a say in goes into a field, where it is escaped.
 *
 *	struct log_line line;
 *
 *	log_begin(&line, LOG_LEVEL_INFO, "state", "container is settling");
 *	log_string(&line, "container", id);
 *	log_end(&line);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

struct log_line {
	struct buf buf;
	struct json json;
	bool is_wanted;
};

/* Once, at start: JSON or text, and the lowest level that is printed. Before: text, info. */
void log_setup(bool is_json, enum log_level lowest);

/*
 * Has lines written by this function instead of write(2), which waits for the reader of stderr. NULL:
 * write(2) again.
 */
void log_set_writer(void (*write_line)(void *context, const char *line, size_t len), void *context);

/* Writes a line that is no event, where the log goes. */
void log_write(const char *line, size_t len);

/* `event` is a word that programs may rely on; `message` is a literal. */
void log_begin(struct log_line *line, enum log_level level, const char *event, const char *message);
/* NULL is printed as nothing (text) or null (JSON). */
void log_string(struct log_line *line, const char *key, const char *value);
void log_uint(struct log_line *line, const char *key, uint64_t value);
/* Writes the line in one piece and frees it. */
void log_end(struct log_line *line);

/* A line without fields. */
void log_message(enum log_level level, const char *event, const char *message);
