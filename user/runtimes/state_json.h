/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is partly a container's own words: what is too long or of another type is not there. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "core/identity.h"

/* For `_cleanup_(state_json_done) json_t *x = NULL;`. */
void state_json_done(json_t **json);

/* The caller's to release; NULL if it is no JSON, names a key twice, or has NUL in a string. */
json_t *state_json_parse(const char *text, size_t len);

/* As state_file_read; -EAGAIN also for what cannot be parsed: it may be half written. */
int state_json_read(int dir, const char *path, size_t max, json_t **ret_json);

/* The string, which lives as long as the object; NULL if there is none of at most 4095 bytes. */
const char *state_json_string(const json_t *object, const char *key);

/* A positive integer, 0 if there is none. */
json_int_t state_json_number(const json_t *object, const char *key);

/* Gives the field a copy of the value, unless it has one already. 0 or -ENOMEM. */
int state_json_set(char **field, const char *value);

/* Adds a pair, unless it is too long or one too many. 0 or -ENOMEM. */
int state_json_add(struct identity_pairs *pairs, const char *key, const char *value);

/* The members of an object that are strings; a bounded number. 0 or -ENOMEM. */
int state_json_pairs(const json_t *object, struct identity_pairs *pairs);

/* The same from an array of "KEY=VALUE". */
int state_json_env(const json_t *array, struct identity_pairs *pairs);
