/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of an agent that has loaded its programs, and those of its tracer. */
#pragma once

#include <seccomp.h>

#include "base/error.h"

/* Allows them in a filter. Those that this architecture does not have are passed over. */
int syscall_rules_add(scmp_filter_ctx filter, struct error *error);
