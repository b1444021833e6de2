/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a service manager how things stand: one datagram to the socket that $NOTIFY_SOCKET names, see
 * sd_notify(3). Own code because that is all of it, and libsystemd cannot be linked statically.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is anybody there to be told? */
bool notify_is_wanted(void);

/* Lines of VARIABLE=VALUE. 0, also if nobody is there to be told; or a negative errno. */
int notify_send(const char *state);

/* Within what time the manager wants to hear `WATCHDOG=1` again; 0: it does not. */
uint64_t notify_watchdog_us(void);
