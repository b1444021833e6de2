// SPDX-License-Identifier: Apache-2.0
#include "out/termination_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/escape.h"
#include "out/event_text.h"

enum { TENTHS_PER_SEC = 10 };

/* Seconds as prose has them; what is longer or shorter in the short form. */
static void put_age(struct buf *out, const struct ended *ended)
{
	uint64_t age_ns = ended->time_ns - ended->process.start_ns;
	uint64_t tenths = age_ns / (NS_PER_SEC / TENTHS_PER_SEC);
	char text[DURATION_TEXT_SIZE];

	if (age_ns >= NS_PER_SEC && age_ns < 60 * NS_PER_SEC) {
		buf_printf(out, "%u.%u s", (unsigned)(tenths / TENTHS_PER_SEC),
			   (unsigned)(tenths % TENTHS_PER_SEC));
		return;
	}
	duration_format(age_ns, text, sizeof(text));
	buf_puts(out, text);
}

static void put_last_task(struct buf *out, const struct ended *ended)
{
	buf_puts(out, "last task ");
	text_put_ended(out, ended);
	if (ended->process.start_ns && ended->time_ns >= ended->process.start_ns) {
		buf_puts(out, " after ");
		put_age(out, ended);
	}
	buf_puts(out, "; ");
}

void text_put_termination(struct buf *out, const struct outcome *outcome)
{
	static const struct {
		const char *before, *after;
	} texts[] = {
		[OUTCOME_SELF] = {"", " ended by itself"},
		[OUTCOME_SIGNAL] = {"ended ", " by signal"},
		[OUTCOME_KILL] = {"killed ", ""},
		[OUTCOME_STATUS] = {"ended ", " by exit status"},
		[OUTCOME_DRY_RUN] = {"would have ended ", " (dry run)"},
	};
	const struct container *container = outcome->container;

	buf_puts(out, "lastout: ");
	if (container->last_task.is_known)
		put_last_task(out, &container->last_task);
	else if (outcome->is_unseen)
		buf_puts(out, "how its last task ended was not seen; ");
	buf_puts(out, texts[outcome->how].before);
	escape_text(out, container->init.comm, strlen(container->init.comm));
	buf_puts(out, texts[outcome->how].after);
}
