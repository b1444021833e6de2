/* SPDX-License-Identifier: Apache-2.0 */
/* Command names of processes that belong to a process manager and are no work. */
#pragma once

/* NAME or PREFIX*, ended by NULL. Names are as the kernel cuts them, at 15 characters. */
extern const char *const helper_names[];
