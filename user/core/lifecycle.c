// SPDX-License-Identifier: Apache-2.0
#include "core/lifecycle.h"

#define MS(ms) ((uint64_t)(ms)*1000000)

enum timer {
	TIMER_KEEP,
	TIMER_NONE,
	TIMER_SETTLE,
	TIMER_IDLE,
	TIMER_GRACE,
	TIMER_RECHECK,
	TIMER_STUCK,
	TIMER_STUCK_AGAIN,
};

struct cell {
	enum lifecycle_state next;
	enum timer timer;
	unsigned actions;
};

/* Every cell is filled. KEEP(x): this event means nothing here. */
#define KEEP(state)                              \
	{                                        \
		LIFECYCLE_##state, TIMER_KEEP, 0 \
	}
/* Also when the cgroup vanished and init's exit was not seen: the same end, by another sign. */
#define ENDED                                                \
	{                                                    \
		LIFECYCLE_GONE, TIMER_NONE, LIFECYCLE_REPORT \
	}

static const struct cell table[LIFECYCLE_STATE_COUNT][LIFECYCLE_EVENT_COUNT] = {
	[LIFECYCLE_STARTING] =
		{
			[LIFECYCLE_TASK] = {LIFECYCLE_WORKING, TIMER_NONE, 0},
			[LIFECYCLE_LAST_EXIT] = {LIFECYCLE_SETTLING, TIMER_SETTLE, 0},
			[LIFECYCLE_IDLE] = KEEP(STARTING),
			[LIFECYCLE_UNTASKED] = KEEP(STARTING),
			[LIFECYCLE_EMPTY] = KEEP(STARTING),
			[LIFECYCLE_BUSY] = KEEP(STARTING),
			[LIFECYCLE_PAUSED] = KEEP(STARTING),
			[LIFECYCLE_ORDERED] = {LIFECYCLE_STOPPING, TIMER_GRACE, LIFECYCLE_ASK},
			[LIFECYCLE_EXEC] = KEEP(STARTING),
			[LIFECYCLE_INIT_EXIT] = ENDED,
			[LIFECYCLE_REMOVED] = ENDED,
		},
	[LIFECYCLE_WORKING] =
		{
			[LIFECYCLE_TASK] = {LIFECYCLE_WORKING, TIMER_NONE, 0},
			[LIFECYCLE_LAST_EXIT] = {LIFECYCLE_SETTLING, TIMER_SETTLE, 0},
			[LIFECYCLE_IDLE] = {LIFECYCLE_SETTLING, TIMER_IDLE, 0},
			[LIFECYCLE_UNTASKED] = {LIFECYCLE_STARTING, TIMER_NONE, 0},
			/* Read again after a doubt, and now empty: the last exit itself was not seen. */
			[LIFECYCLE_EMPTY] = {LIFECYCLE_SETTLING, TIMER_SETTLE, 0},
			[LIFECYCLE_BUSY] = {LIFECYCLE_WORKING, TIMER_RECHECK, 0},
			[LIFECYCLE_PAUSED] = {LIFECYCLE_WORKING, TIMER_RECHECK, 0},
			[LIFECYCLE_ORDERED] = {LIFECYCLE_STOPPING, TIMER_GRACE, LIFECYCLE_ASK},
			/* Living tasks stay tasks: the caller says that there are some. */
			[LIFECYCLE_EXEC] = {LIFECYCLE_STARTING, TIMER_NONE, 0},
			[LIFECYCLE_INIT_EXIT] = ENDED,
			[LIFECYCLE_REMOVED] = ENDED,
		},
	[LIFECYCLE_SETTLING] =
		{
			[LIFECYCLE_TASK] = {LIFECYCLE_WORKING, TIMER_NONE, 0},
			/* A task that came and went in between: settle begins anew. */
			[LIFECYCLE_LAST_EXIT] = {LIFECYCLE_SETTLING, TIMER_SETTLE, 0},
			[LIFECYCLE_IDLE] = {LIFECYCLE_SETTLING, TIMER_IDLE, 0},
			[LIFECYCLE_UNTASKED] = {LIFECYCLE_STARTING, TIMER_NONE, 0},
			[LIFECYCLE_EMPTY] = {LIFECYCLE_STOPPING, TIMER_GRACE, LIFECYCLE_ASK},
			[LIFECYCLE_BUSY] = {LIFECYCLE_WORKING, TIMER_RECHECK, 0},
			[LIFECYCLE_PAUSED] = {LIFECYCLE_SETTLING, TIMER_RECHECK, 0},
			[LIFECYCLE_ORDERED] = {LIFECYCLE_STOPPING, TIMER_GRACE, LIFECYCLE_ASK},
			[LIFECYCLE_EXEC] = {LIFECYCLE_STARTING, TIMER_NONE, 0},
			[LIFECYCLE_INIT_EXIT] = ENDED,
			[LIFECYCLE_REMOVED] = ENDED,
		},
	[LIFECYCLE_STOPPING] =
		{
			/* What init starts to clean up is its own affair until grace is over. */
			[LIFECYCLE_TASK] = KEEP(STOPPING),
			[LIFECYCLE_LAST_EXIT] = KEEP(STOPPING),
			[LIFECYCLE_IDLE] = KEEP(STOPPING),
			[LIFECYCLE_UNTASKED] = KEEP(STOPPING),
			[LIFECYCLE_EMPTY] = {LIFECYCLE_KILLING, TIMER_STUCK, LIFECYCLE_KILL},
			/* No init is signalled while a task lives, not even the second time. */
			[LIFECYCLE_BUSY] = {LIFECYCLE_WORKING, TIMER_RECHECK, LIFECYCLE_SPARED},
			[LIFECYCLE_PAUSED] = {LIFECYCLE_STOPPING, TIMER_RECHECK, 0},
			[LIFECYCLE_ORDERED] = KEEP(STOPPING),
			/* s6-svscan answers SIGTERM by an exec. */
			[LIFECYCLE_EXEC] = KEEP(STOPPING),
			[LIFECYCLE_INIT_EXIT] = ENDED,
			[LIFECYCLE_REMOVED] = ENDED,
		},
	[LIFECYCLE_KILLING] =
		{
			[LIFECYCLE_TASK] = KEEP(KILLING),
			[LIFECYCLE_LAST_EXIT] = KEEP(KILLING),
			[LIFECYCLE_IDLE] = KEEP(KILLING),
			[LIFECYCLE_UNTASKED] = KEEP(KILLING),
			[LIFECYCLE_EMPTY] = {LIFECYCLE_KILLING, TIMER_STUCK_AGAIN, LIFECYCLE_STUCK},
			[LIFECYCLE_BUSY] = {LIFECYCLE_KILLING, TIMER_STUCK_AGAIN, LIFECYCLE_STUCK},
			[LIFECYCLE_PAUSED] = {LIFECYCLE_KILLING, TIMER_STUCK, 0},
			[LIFECYCLE_ORDERED] = KEEP(KILLING),
			[LIFECYCLE_EXEC] = KEEP(KILLING),
			[LIFECYCLE_INIT_EXIT] = ENDED,
			[LIFECYCLE_REMOVED] = ENDED,
		},
	[LIFECYCLE_GONE] =
		{
			[LIFECYCLE_TASK] = KEEP(GONE),
			[LIFECYCLE_LAST_EXIT] = KEEP(GONE),
			[LIFECYCLE_IDLE] = KEEP(GONE),
			[LIFECYCLE_UNTASKED] = KEEP(GONE),
			[LIFECYCLE_EMPTY] = KEEP(GONE),
			[LIFECYCLE_BUSY] = KEEP(GONE),
			[LIFECYCLE_PAUSED] = KEEP(GONE),
			[LIFECYCLE_ORDERED] = KEEP(GONE),
			[LIFECYCLE_EXEC] = KEEP(GONE),
			[LIFECYCLE_INIT_EXIT] = KEEP(GONE),
			[LIFECYCLE_REMOVED] = KEEP(GONE),
		},
};

/* A settle of centuries means never, not now. */
static uint64_t later(uint64_t now_ns, uint64_t wait_ns)
{
	return wait_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + wait_ns;
}

static uint64_t deadline(enum timer timer, uint64_t now_ns, uint64_t old_ns,
			 const struct lifecycle_timing *timing)
{
	switch (timer) {
	case TIMER_KEEP:
		return old_ns;
	case TIMER_NONE:
		return 0;
	case TIMER_SETTLE:
		return later(now_ns, timing->settle_ns);
	case TIMER_IDLE:
		return later(now_ns, timing->settle_ns > MS(LIFECYCLE_IDLE_SETTLE_MS) ?
					     timing->settle_ns :
					     MS(LIFECYCLE_IDLE_SETTLE_MS));
	case TIMER_GRACE:
		return later(now_ns, timing->grace_ns);
	case TIMER_RECHECK:
		return later(now_ns, MS(LIFECYCLE_RECHECK_MS));
	case TIMER_STUCK:
		return later(now_ns, MS(LIFECYCLE_STUCK_MS));
	case TIMER_STUCK_AGAIN:
		return later(now_ns, MS(LIFECYCLE_STUCK_AGAIN_MS));
	}
	return old_ns;
}

struct lifecycle lifecycle_step(struct lifecycle life, enum lifecycle_event event, uint64_t now_ns,
				const struct lifecycle_timing *timing, unsigned *ret_actions)
{
	const struct cell *cell = &table[life.state][event];

	*ret_actions = cell->actions;
	return (struct lifecycle){
		.state = cell->next,
		.deadline_ns = deadline(cell->timer, now_ns, life.deadline_ns, timing),
	};
}

const char *lifecycle_state_name(enum lifecycle_state state)
{
	static const char *const names[] = {
		[LIFECYCLE_STARTING] = "starting", [LIFECYCLE_WORKING] = "working",
		[LIFECYCLE_SETTLING] = "settling", [LIFECYCLE_STOPPING] = "stopping",
		[LIFECYCLE_KILLING] = "killing",   [LIFECYCLE_GONE] = "gone",
	};

	return names[state];
}

const char *lifecycle_event_name(enum lifecycle_event event)
{
	static const char *const names[] = {
		[LIFECYCLE_TASK] = "task",	 [LIFECYCLE_LAST_EXIT] = "last_exit",
		[LIFECYCLE_IDLE] = "idle",	 [LIFECYCLE_UNTASKED] = "untasked",
		[LIFECYCLE_EMPTY] = "empty",	 [LIFECYCLE_BUSY] = "busy",
		[LIFECYCLE_PAUSED] = "paused",	 [LIFECYCLE_ORDERED] = "ordered",
		[LIFECYCLE_EXEC] = "exec",	 [LIFECYCLE_INIT_EXIT] = "init_exit",
		[LIFECYCLE_REMOVED] = "removed",
	};

	return names[event];
}
