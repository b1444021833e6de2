// SPDX-License-Identifier: Apache-2.0
/* Readings of the process lists: for what was lost, and to decide. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "gvisor/sandbox_private.h"

static void answer(struct gvisor_sandbox *sandbox, struct verify_wait *wait, int err, bool has_init,
		   const struct gvisor_holder *holders, size_t count)
{
	struct verify_wait asked = *wait;

	DL_DELETE(sandbox->verifies, wait);
	free(wait);
	asked.on_verified(asked.context, asked.container, err, has_init, holders, count);
}

static struct verify_wait *find_wait(struct gvisor_sandbox *sandbox,
				     const struct container *container)
{
	struct verify_wait *wait;

	DL_FOREACH(sandbox->verifies, wait) {
		if (wait->container == container)
			return wait;
	}
	return NULL;
}

void sandbox_forget_verify(struct gvisor_sandbox *sandbox, const struct container *container)
{
	struct verify_wait *wait = find_wait(sandbox, container);

	if (wait)
		answer(sandbox, wait, -ENOENT, false, NULL, 0);
}

void sandbox_free_verifies(struct gvisor_sandbox *sandbox)
{
	struct verify_wait *wait, *next;

	DL_FOREACH_SAFE(sandbox->verifies, wait, next)
		free(wait);
	sandbox->verifies = NULL;
}

/* --- what a list says of one container --- */

static void tell_holders(struct gvisor_sandbox *sandbox, struct verify_wait *wait,
			 const struct gvisor_listing *listing)
{
	const struct container *container = wait->container;
	_cleanup_free_ struct gvisor_holder *holders = calloc(listing->count + 1, sizeof(*holders));
	bool has_init = false;
	size_t count = 0;

	if (!holders) {
		answer(sandbox, wait, -ENOMEM, false, NULL, 0);
		return;
	}
	for (size_t i = 0; i < listing->count; i++) {
		const struct gvisor_member *member = &listing->members[i];

		if (gvisor_listing_is_dead(listing, member) ||
		    gvisor_table_is_dead(sandbox->table, member->pid))
			continue;
		if (member->pid == container->init.pid) {
			has_init = true;
			continue;
		}
		holders[count].pid = member->pid;
		holders[count].role = gvisor_table_role(sandbox->table, member->pid);
		memcpy(holders[count++].comm, member->comm, sizeof(member->comm));
	}
	answer(sandbox, wait, 0, has_init, holders, count);
}

static void take_listing(struct gvisor_sandbox *sandbox, struct container *container,
			 const struct gvisor_listing *listing)
{
	struct abi_counts before = container->counts;
	bool has_suspect;

	if (!sandbox->stream)
		gvisor_table_miss(sandbox->table);
	has_suspect = gvisor_table_reconcile(sandbox->table, container, listing, sandbox->mark,
					     sandbox->stream != NULL);

	if (has_suspect)
		sandbox_read_in(sandbox, SANDBOX_DOUBT_MS);
	if (!gvisor_table_tell(sandbox->table, container) &&
	    memcmp(&before, &container->counts, sizeof(before)) != 0)
		sandbox->observer.containers.on_change(sandbox->observer.containers.context,
						       container, GVISOR_REREAD);
}

static void take_answer(struct gvisor_sandbox *sandbox, const struct gvisor_question *question,
			const struct gvisor_listing *listing)
{
	struct container *container = gvisor_table_find(sandbox->table, question->id);
	struct verify_wait *wait;

	if (!container)
		return; /* removed meanwhile */
	if (!question->err)
		take_listing(sandbox, container, listing);
	else
		(void)gvisor_table_tell(sandbox->table, container);
	wait = find_wait(sandbox, container);
	if (!wait || !wait->is_asked)
		return;
	if (question->err)
		answer(sandbox, wait, question->err, false, NULL, 0);
	else
		tell_holders(sandbox, wait, listing);
}

/* --- one reading --- */

/* By the timer also what is due at once: the caller may be in the midst of something. */
static void wake_in(struct gvisor_sandbox *sandbox, unsigned ms)
{
	struct timeval delay = {ms / 1000, ms % 1000 * 1000L};
	uint64_t due_ns = clock_boot_ns() + ms * NS_PER_MS;

	if (evtimer_pending(sandbox->soon, NULL) && sandbox->soon_ns <= due_ns)
		return;
	sandbox->soon_ns = due_ns;
	(void)evtimer_add(sandbox->soon, &delay); /* of a valid timer: cannot fail */
}

/* The first reading comes before the session; it may fail, where the sandbox does not listen yet. */
static void attach_after(struct gvisor_sandbox *sandbox)
{
	if (sandbox->mode == GVISOR_ATTACHING && !sandbox->attach_ms)
		sandbox_attach(sandbox);
}

void sandbox_fail_verifies(struct gvisor_sandbox *sandbox, int err)
{
	while (sandbox->verifies)
		answer(sandbox, sandbox->verifies, err, false, NULL, 0);
}

static void fail_asked(struct gvisor_sandbox *sandbox, int err)
{
	struct verify_wait *wait, *next;

	DL_FOREACH_SAFE(sandbox->verifies, wait, next) {
		if (wait->is_asked)
			answer(sandbox, wait, err, false, NULL, 0);
	}
}

static void on_read(void *context, int err, const struct gvisor_question *questions,
		    const struct gvisor_listing *listings, size_t count)
{
	struct gvisor_sandbox *sandbox = context;

	sandbox->reading = NULL;
	if (sandbox->mode == GVISOR_GONE)
		return;
	sandbox->stats.readings++;
	/* What happened before the list was made has been sent before: it is applied before. */
	if (!err && sandbox->stream && !gvisor_stream_drain(sandbox->stream) && sandbox->stream)
		err = -EAGAIN;
	sandbox_set_time(sandbox);
	for (size_t i = 0; !err && i < count; i++)
		take_answer(sandbox, &questions[i], &listings[i]);
	if (err)
		sandbox->stats.failed_readings++;
	fail_asked(sandbox, err ? err : -ENOENT);
	if (sandbox->verifies)
		wake_in(sandbox, 0);
	else if (sandbox->wants_reading)
		wake_in(sandbox, SANDBOX_DOUBT_MS);
	attach_after(sandbox);
}

/* Of all containers, or of those that somebody waits for. */
static size_t collect(struct gvisor_sandbox *sandbox, struct gvisor_question **ret_questions)
{
	struct gvisor_question *questions;
	size_t count = 0;

	for (struct container *c = NULL; (c = gvisor_table_next(sandbox->table, c));)
		count++;
	questions = calloc(count + 1, sizeof(*questions));
	count = 0;
	for (struct container *c = NULL; questions && (c = gvisor_table_next(sandbox->table, c));) {
		struct verify_wait *wait = find_wait(sandbox, c);

		if (wait)
			wait->is_asked = true;
		if (!wait && !sandbox->wants_reading)
			continue;
		memcpy(questions[count].id, c->identity.id, sizeof(c->identity.id));
		questions[count++].init = c->init.pid;
	}
	*ret_questions = questions;
	return count;
}

static void begin(struct gvisor_sandbox *sandbox)
{
	struct gvisor_question *questions;
	size_t count = collect(sandbox, &questions);
	int err;

	bool is_light = sandbox->wants_reading && !sandbox->wants_dump && !sandbox->verifies;

	sandbox->wants_reading = false;
	sandbox->wants_dump = false;
	if (!count) {
		free(questions);
		return;
	}
	sandbox->mark = gvisor_table_mark(sandbox->table);
	err = gvisor_reading_start(sandbox->base, &sandbox->endpoint, questions, count, is_light,
				   on_read, sandbox, &sandbox->reading);
	if (!err)
		return;
	sandbox->stats.failed_readings++;
	fail_asked(sandbox, err);
	attach_after(sandbox);
}

void sandbox_on_soon(evutil_socket_t fd, short what, void *context)
{
	struct gvisor_sandbox *sandbox = context;

	(void)fd;
	(void)what;
	if (!sandbox->reading)
		begin(sandbox);
}

void sandbox_read_in(struct gvisor_sandbox *sandbox, unsigned ms)
{
	sandbox->wants_reading = true;
	sandbox->wants_dump = true;
	wake_in(sandbox, ms);
}

void sandbox_read_lightly_in(struct gvisor_sandbox *sandbox, unsigned ms)
{
	sandbox->wants_reading = true;
	wake_in(sandbox, ms);
}

void sandbox_read_again(struct gvisor_sandbox *sandbox)
{
	if (sandbox->light_count++ % SANDBOX_LIGHT_TURNS == 0)
		sandbox->wants_dump = true;
	sandbox_read_lightly_in(sandbox, 0);
}

int gvisor_sandbox_verify(struct gvisor_sandbox *sandbox, struct container *container,
			  gvisor_verify_fn on_verified, void *context)
{
	struct verify_wait *wait;

	if (find_wait(sandbox, container))
		return -EBUSY;
	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return -ENOMEM;
	wait->container = container;
	wait->on_verified = on_verified;
	wait->context = context;
	DL_APPEND(sandbox->verifies, wait);
	wake_in(sandbox, 0);
	return 0;
}
