/* SPDX-License-Identifier: Apache-2.0 */
/* What `kubectl describe pod` shows of a container that lastout has ended. */
#pragma once

#include "base/buf.h"
#include "out/event_json.h"

/*
 * One line without its newline, escaped: `lastout: last task python3[4711] exited with 3 after 12.4 s;
 * ended goproc by exit status`. If no hook has seen that end, it says so; without a
 * last task the first half is missing.
 */
void text_put_termination(struct buf *out, const struct outcome *outcome);
