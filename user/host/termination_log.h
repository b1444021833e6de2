/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The termination message of a Kubernetes container: the file behind its /dev/termination-log, which
 * `kubectl describe pod` shows. The container can write to it and have put anything in its place.
 */
#pragma once

#include <stddef.h>

/* What the kubelet reads; more would be cut by it. */
enum { TERMINATION_LOG_SIZE = 4096 };

/*
 * Writes one line, cut to the size above between two characters of UTF-8, into the file at `path`
 * below `root` ("/"; an absolute path counts from there). No link is followed, nothing is created,
 * and what is there stays: 0, or nothing was written and
 *   -ENOENT   there is no such file, or a folder above it is missing
 *   -ELOOP    a link is in the way
 *   -EXDEV    the path leaves the root
 *   -EMLINK   the file has other names
 *   -ENOTEMPTY the container wrote its own message
 *   -EINVAL   it is no regular file (FIFO, device, folder)
 * or another negative errno. After -EIO a part may have been written.
 */
int termination_log_write(const char *root, const char *path, const char *text, size_t len);
