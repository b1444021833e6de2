/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent's replies say, in words. A member that is missing, or of another kind than
 * expected, reads as if nothing were known. What a container controls is escaped.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"

/* `web-1`, or where it has no name, its short id. */
void reply_put_container_name(struct buf *out, const json_t *container);

/* `prod/web-0`; false: it is in no pod. */
bool reply_put_pod(struct buf *out, const json_t *container);

/* `python3[4711]`, of an object with pid and comm. */
void reply_put_process(struct buf *out, const json_t *process);

/* A string; `-` where it is none, or empty. */
void reply_put_string(struct buf *out, const json_t *string);

/* The status as wait4 gives it, of an object with exit_code and signal; -1: not known. */
int reply_status(const json_t *ended);

/* `python3[4711] exited with 3`, `python3[4711] was killed by SIGKILL`. */
void reply_put_end(struct buf *out, const json_t *ended);

/* How a finish went, for the one who asked for it. A line. */
void reply_put_outcome(struct buf *out, const json_t *outcome);

/* JSON in one line, without any byte that a terminal might act on. */
void reply_put_json(struct buf *out, const json_t *value);
