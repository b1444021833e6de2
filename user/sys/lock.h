/* SPDX-License-Identifier: Apache-2.0 */
/* One agent a host: a lock on a directory of lastout's own, gone with the process that holds it. */
#pragma once

#include "base/error.h"

/*
 * Makes the directory (0700) if it is missing and locks it. The descriptor in *ret_fd holds the
 * lock. -EWOULDBLOCK: another process has it.
 */
int lock_take(const char *directory, int *ret_fd, struct error *error);

/* Removes the directory if it is empty, and lets go. */
void lock_release(const char *directory, int fd);
