/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that is kept on the terminal and redrawn in its place. It has the terminal's other screen,
 * so that what was there before comes back at the end.
 */
#pragma once

#include "base/buf.h"

void screen_enter(struct buf *out);
void screen_leave(struct buf *out);

/* The text in place of the last one: as many of its lines as the terminal has. */
void screen_put(struct buf *out, const struct buf *text);
