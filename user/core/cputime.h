/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * The kernel counts user and system time by ticks and the sum exactly; this splits the sum as
 * the ticks say, which is what getrusage(2) does. Nanoseconds.
 */
void cputime_split(uint64_t user_ticks_ns, uint64_t system_ticks_ns, uint64_t runtime_ns,
		   uint64_t *ret_user_ns, uint64_t *ret_system_ns);
