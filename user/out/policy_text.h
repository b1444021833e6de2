/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in words, for people. */
#pragma once

#include "base/buf.h"
#include "core/policy.h"

/*
 * Appends whom a policy speaks of, escaped: `init is goproc or pm2, and label tier is batch`, with
 * `, or if chosen` or only `if chosen` for one that is selectable, and `never` for one that nothing
 * leads to.
 */
void text_put_match(struct buf *out, const struct policy *policy);

/*
 * Appends what it does: `finish: settle 2s, SIGTERM, grace 10s` and what else is not as built in;
 * `watch` or `ignore` alone.
 */
void text_put_action(struct buf *out, const struct policy *policy);
