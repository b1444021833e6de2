/* SPDX-License-Identifier: Apache-2.0 */
/* A program that a container's init was before, and what may be known of it. Pure data. */
#pragma once

#include "abi.h"
#include "core/command_line.h"

struct program {
	char comm[ABI_COMM_SIZE + 1];
	struct command_line args; /* perhaps only the beginning */
};
