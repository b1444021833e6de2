// SPDX-License-Identifier: Apache-2.0
#include "api/waiting.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "out/fields.h"

struct waiter {
	struct waiting *waiting;
	struct http_exchange *exchange;
	struct container *container; /* lives as long as this: its end is an answer */
	struct event *timer;
	uint64_t since_ns; /* when it was first seen without work; 0: not yet */
	struct waiter *next, *prev;
};

struct waiting {
	const struct follower_shared *shared;
	struct waiter *first;
};

struct waiting *waiting_new(const struct follower_shared *shared)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (waiting)
		waiting->shared = shared;
	return waiting;
}

static void remove_waiter(struct waiter *waiter)
{
	DL_DELETE(waiter->waiting->first, waiter);
	event_free(waiter->timer);
	free(waiter);
}

void waiting_free(struct waiting *waiting)
{
	if (!waiting)
		return;
	while (waiting->first)
		remove_waiter(waiting->first);
	free(waiting);
}

void waiting_reply(struct http_exchange *exchange, const char *id, const char *name,
		   const struct work_end *end)
{
	_cleanup_(buf_done) struct buf body = {0};
	const struct ended *ended = &end->ended;
	struct json json;

	json_init(&json, &body);
	json_object_begin(&json, NULL);
	json_string(&json, "id", id);
	json_string(&json, "name", name);
	json_string(&json, "role", role_name(end->role));
	if (ended->is_known) {
		fields_time(&json, ended->time_ns);
		json_int(&json, "pid", ended->process.pid);
		json_string(&json, "comm", ended->process.comm);
		fields_status(&json, ended->status);
	} else {
		fields_no_status(&json);
	}
	json_object_end(&json);
	http_reply_json(exchange, 200, &body);
}

static void answer(struct waiter *waiter)
{
	const struct container *container = waiter->container;
	struct work_end end = work_end_of(container);

	if (!container->is_gone)
		end = (struct work_end){container->last_task, ROLE_TASK};
	waiting_reply(waiter->exchange, container->identity.id, container->identity.name, &end);
	remove_waiter(waiter);
}

/*
 * How long a last exit must have stood before it counts as the end of the work. Where not even its
 * moment is known, it is that of the first look.
 */
static uint64_t settled_at_ns(struct waiter *waiter, const struct follower_view *view,
			      const struct ended *last, uint64_t now_ns)
{
	if (!waiter->since_ns)
		waiter->since_ns = now_ns;
	return (last->time_ns ? last->time_ns : waiter->since_ns) + view->settle.ns;
}

/* May free the waiter. */
static void look(struct waiter *waiter)
{
	const struct container *container = waiter->container;
	const struct ended *last = &container->last_task;
	uint64_t now_ns = clock_boot_ns(), due_ns;
	struct follower_view view;
	struct timeval delay;

	(void)evtimer_del(waiter->timer);
	follower_look(container->follower, &view);
	if (view.state == LIFECYCLE_GONE) {
		answer(waiter);
		return;
	}
	if (view.state < LIFECYCLE_SETTLING || !container->task_exits || container->counts.tasks) {
		waiter->since_ns = 0;
		return; /* the next change of state brings us back */
	}
	due_ns = settled_at_ns(waiter, &view, last, now_ns);
	if (view.state > LIFECYCLE_SETTLING || due_ns <= now_ns) {
		answer(waiter);
		return;
	}
	delay.tv_sec = (time_t)((due_ns - now_ns) / NS_PER_SEC);
	delay.tv_usec = (suseconds_t)((due_ns - now_ns) % NS_PER_SEC / 1000 + 1);
	(void)evtimer_add(waiter->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct waiter *waiter = context;

	(void)fd;
	(void)what;
	/* A task that came back wakes nobody, but it is counted. */
	(void)follower_refresh(waiter->container->follower);
	look(waiter);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	(void)exchange;
	remove_waiter(context);
}

void waiting_add(struct waiting *waiting, struct http_exchange *exchange,
		 struct container *container)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter)
		waiter->timer = evtimer_new(waiting->shared->base, on_timer, waiter);
	if (!waiter || !waiter->timer) {
		free(waiter);
		http_reply_error(exchange, 503, "out of memory");
		return;
	}
	waiter->waiting = waiting;
	waiter->exchange = exchange;
	waiter->container = container;
	DL_APPEND(waiting->first, waiter);
	http_hold(exchange, on_gone, waiter);
	look(waiter);
}

void waiting_look(struct waiting *waiting, const struct container *container)
{
	struct waiter *waiter, *next;

	DL_FOREACH_SAFE(waiting->first, waiter, next) {
		if (waiter->container == container)
			look(waiter);
	}
}
