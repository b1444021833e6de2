/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's own record of a container: DATA-ROOT/containers/ID/config.v2.json. */
#pragma once

#include <stddef.h>

#include "runtimes/runtime_state.h"

/* 0, -EAGAIN if it is not whole, -ENOMEM. */
int state_docker_take(const char *text, size_t len, struct identity *identity);

/* As runtime_state_read. */
int state_docker_read(const struct runtime_roots *roots, struct identity *identity);
