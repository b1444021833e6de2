/* SPDX-License-Identifier: Apache-2.0 */
/* What came of looking for something. Zero: nothing has come of it yet. */
#pragma once

enum answer {
	ANSWER_UNREADABLE, /* not readable, or not readable yet: it may have any value */
	ANSWER_NONE,	   /* known: there is none */
	ANSWER_VALUE,
};
