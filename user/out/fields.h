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

/* An object of pid, comm and the status of a process that has ended. */
void fields_ended(struct json *json, const char *key, const struct ended *ended);

/* The same of one that lives, or whose end was not seen. */
void fields_living(struct json *json, const char *key, const struct process *process);

/* Both null: it lives, or its end was not seen. */
void fields_no_status(struct json *json);

/* id, name, runtime, image, pod, namespace, pod_uid; null where not known. */
void fields_identity(struct json *json, const struct identity *identity);

/* The same as an object `container`; null for NULL. */
void fields_container(struct json *json, const struct container *container);

/* The container's init as an object `init` of pid, comm and argv0; null before there is one. */
void fields_init(struct json *json, const struct container *container);
