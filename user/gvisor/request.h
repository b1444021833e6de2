/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a sandbox, in its own JSON. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Each appends one request; running out of memory shows in out->failed. */
void gvisor_request_sessions(struct buf *out);
/* `is_forced`: in the place of a session that is there. */
void gvisor_request_create(struct buf *out, bool is_forced);
void gvisor_request_delete(struct buf *out);
void gvisor_request_processes(struct buf *out, const char *container);
void gvisor_request_dump(struct buf *out);
/* To the container's init. */
void gvisor_request_signal(struct buf *out, const char *container, int signal);

/*
 * The pod-init configuration for runsc: whatever it starts then connects to the socket at `endpoint`
 * and tells from the first instruction on.
 */
void gvisor_request_pod_init(struct buf *out, const char *endpoint);
