/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's journal, as a service's stdout and stderr. It stamps each line with its time, and takes the
 * line's priority from a prefix: `<6>` is syslog's LOG_INFO. See systemd.exec(5), JOURNAL_STREAM, and
 * sd-daemon(3).
 */
#pragma once

#include <stdbool.h>

/* Is that descriptor the journal's? False: something else, though a parent may have logged there. */
bool journal_has(int fd);
