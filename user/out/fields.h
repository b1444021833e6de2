/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that several JSON objects have in common; their keys are an interface. */
#pragma once

#include "base/json.h"
#include "core/container.h"

#define FIELDS_SECONDS(ns) ((double)(ns) / 1e9)

/* `time`, a moment of CLOCK_BOOTTIME as RFC 3339. */
void fields_time(struct json *json, uint64_t boot_ns);

/* `exit_code` (null when killed) and `signal` (null when not). */
void fields_status(struct json *json, int status);

/* Both null: it lives, or its end was not seen. */
void fields_no_status(struct json *json);

/* id, name, runtime, image, pod, namespace, pod_uid; null where not known. */
void fields_identity(struct json *json, const struct identity *identity);

/* The same as an object `container`; null for NULL. */
void fields_container(struct json *json, const struct container *container);
