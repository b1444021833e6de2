// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/lifecycle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MS(ms) ((uint64_t)(ms)*1000000)

enum {
	STARTING = LIFECYCLE_STARTING,
	WORKING = LIFECYCLE_WORKING,
	SETTLING = LIFECYCLE_SETTLING,
	STOPPING = LIFECYCLE_STOPPING,
	KILLING = LIFECYCLE_KILLING,
	GONE = LIFECYCLE_GONE,
};

enum { TASK, LAST_EXIT, IDLE, UNTASKED, EMPTY, BUSY, PAUSED, ORDERED, EXEC, INIT_EXIT, REMOVED };

/* In the place of a wait in milliseconds: no timer, and the timer as it was. */
enum { NONE = -1, KEPT = -2 };

/* Every wait in the table below is told from every other one. */
static const struct lifecycle_timing timing = {.settle_ns = MS(300), .grace_ns = MS(7000)};

static const uint64_t now_ns = MS(5000000), old_ns = MS(5000123);

static const struct {
	int state, event;
	int next, wait_ms;
	unsigned actions;
} cells[] = {
	/* No task was seen yet: nothing but a task, or news that one came and went, counts. */
	{STARTING, TASK, WORKING, NONE, 0},
	{STARTING, LAST_EXIT, SETTLING, 300, 0},
	{STARTING, IDLE, STARTING, KEPT, 0},
	{STARTING, UNTASKED, STARTING, KEPT, 0},
	{STARTING, EMPTY, STARTING, KEPT, 0},
	{STARTING, BUSY, STARTING, KEPT, 0},
	{STARTING, PAUSED, STARTING, KEPT, 0},
	{STARTING, ORDERED, STOPPING, 7000, LIFECYCLE_ASK},
	{STARTING, EXEC, STARTING, KEPT, 0},
	{STARTING, INIT_EXIT, GONE, NONE, LIFECYCLE_REPORT},
	{STARTING, REMOVED, GONE, NONE, LIFECYCLE_REPORT},

	{WORKING, TASK, WORKING, NONE, 0},
	{WORKING, LAST_EXIT, SETTLING, 300, 0},
	{WORKING, IDLE, SETTLING, 1000, 0},
	{WORKING, UNTASKED, STARTING, NONE, 0},
	{WORKING, EMPTY, SETTLING, 300, 0},
	{WORKING, BUSY, WORKING, 250, 0},
	{WORKING, PAUSED, WORKING, 250, 0},
	{WORKING, ORDERED, STOPPING, 7000, LIFECYCLE_ASK},
	{WORKING, EXEC, STARTING, NONE, 0},
	{WORKING, INIT_EXIT, GONE, NONE, LIFECYCLE_REPORT},
	{WORKING, REMOVED, GONE, NONE, LIFECYCLE_REPORT},

	{SETTLING, TASK, WORKING, NONE, 0},
	{SETTLING, LAST_EXIT, SETTLING, 300, 0},
	{SETTLING, IDLE, SETTLING, 1000, 0},
	{SETTLING, UNTASKED, STARTING, NONE, 0},
	{SETTLING, EMPTY, STOPPING, 7000, LIFECYCLE_ASK},
	{SETTLING, BUSY, WORKING, 250, 0},
	{SETTLING, PAUSED, SETTLING, 250, 0},
	{SETTLING, ORDERED, STOPPING, 7000, LIFECYCLE_ASK},
	{SETTLING, EXEC, STARTING, NONE, 0},
	{SETTLING, INIT_EXIT, GONE, NONE, LIFECYCLE_REPORT},
	{SETTLING, REMOVED, GONE, NONE, LIFECYCLE_REPORT},

	/* What init starts to clean up moves nothing, until grace is over. */
	{STOPPING, TASK, STOPPING, KEPT, 0},
	{STOPPING, LAST_EXIT, STOPPING, KEPT, 0},
	{STOPPING, IDLE, STOPPING, KEPT, 0},
	{STOPPING, UNTASKED, STOPPING, KEPT, 0},
	{STOPPING, EMPTY, KILLING, 30000, LIFECYCLE_KILL},
	{STOPPING, BUSY, WORKING, 250, LIFECYCLE_SPARED},
	{STOPPING, PAUSED, STOPPING, 250, 0},
	{STOPPING, ORDERED, STOPPING, KEPT, 0},
	{STOPPING, EXEC, STOPPING, KEPT, 0},
	{STOPPING, INIT_EXIT, GONE, NONE, LIFECYCLE_REPORT},
	{STOPPING, REMOVED, GONE, NONE, LIFECYCLE_REPORT},

	{KILLING, TASK, KILLING, KEPT, 0},
	{KILLING, LAST_EXIT, KILLING, KEPT, 0},
	{KILLING, IDLE, KILLING, KEPT, 0},
	{KILLING, UNTASKED, KILLING, KEPT, 0},
	{KILLING, EMPTY, KILLING, 60000, LIFECYCLE_STUCK},
	{KILLING, BUSY, KILLING, 60000, LIFECYCLE_STUCK},
	{KILLING, PAUSED, KILLING, 30000, 0},
	{KILLING, ORDERED, KILLING, KEPT, 0},
	{KILLING, EXEC, KILLING, KEPT, 0},
	{KILLING, INIT_EXIT, GONE, NONE, LIFECYCLE_REPORT},
	{KILLING, REMOVED, GONE, NONE, LIFECYCLE_REPORT},

	/* Reported once, whatever still comes. */
	{GONE, TASK, GONE, KEPT, 0},
	{GONE, LAST_EXIT, GONE, KEPT, 0},
	{GONE, IDLE, GONE, KEPT, 0},
	{GONE, UNTASKED, GONE, KEPT, 0},
	{GONE, EMPTY, GONE, KEPT, 0},
	{GONE, BUSY, GONE, KEPT, 0},
	{GONE, PAUSED, GONE, KEPT, 0},
	{GONE, ORDERED, GONE, KEPT, 0},
	{GONE, EXEC, GONE, KEPT, 0},
	{GONE, INIT_EXIT, GONE, KEPT, 0},
	{GONE, REMOVED, GONE, KEPT, 0},
};

static uint64_t expected_deadline(int wait_ms)
{
	if (wait_ms == NONE)
		return 0;
	return wait_ms == KEPT ? old_ns : now_ns + MS(wait_ms);
}

static void test_every_cell(void **state)
{
	int visits[LIFECYCLE_STATE_COUNT][LIFECYCLE_EVENT_COUNT] = {0};

	(void)state;
	assert_int_equal(COUNT(cells), LIFECYCLE_STATE_COUNT * LIFECYCLE_EVENT_COUNT);
	for (size_t i = 0; i < COUNT(cells); i++) {
		struct lifecycle life = {cells[i].state, old_ns};
		unsigned actions = ~0U;

		life = lifecycle_step(life, cells[i].event, now_ns, &timing, &actions);
		if (life.state != (unsigned)cells[i].next || actions != cells[i].actions ||
		    life.deadline_ns != expected_deadline(cells[i].wait_ms))
			fail_msg("%s on %s: %s, deadline %+lld ms, actions %#x",
				 lifecycle_state_name(cells[i].state),
				 lifecycle_event_name(cells[i].event),
				 lifecycle_state_name(life.state),
				 (long long)(life.deadline_ns - now_ns) / 1000000, actions);
		assert_int_equal(visits[cells[i].state][cells[i].event]++, 0);
	}
}

/* A life, told as one step after the other; times in ms. */
struct story {
	struct lifecycle life;
	struct lifecycle_timing timing;
};

static struct story begin(unsigned settle_ms, unsigned grace_ms)
{
	return (struct story){.timing = {MS(settle_ms), MS(grace_ms)}};
}

#define expect(story, at, event, next, deadline, actions) \
	check_step(story, at, event, next, deadline, actions, __LINE__)

static void check_step(struct story *story, unsigned at_ms, int event, int next,
		       unsigned deadline_ms, unsigned expected_actions, int line)
{
	unsigned actions = ~0U;

	story->life = lifecycle_step(story->life, event, MS(at_ms), &story->timing, &actions);
	if (story->life.state != (unsigned)next || actions != expected_actions ||
	    story->life.deadline_ns != MS(deadline_ms))
		fail_msg("line %d: %s, deadline %llu ms, actions %#x", line,
			 lifecycle_state_name(story->life.state),
			 (unsigned long long)story->life.deadline_ns / 1000000, actions);
}

static void test_asked_then_killed(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	assert_int_equal(s.life.state, LIFECYCLE_STARTING);
	expect(&s, 10, TASK, WORKING, 0, 0);
	expect(&s, 500, LAST_EXIT, SETTLING, 2500, 0);
	expect(&s, 2500, EMPTY, STOPPING, 12500, LIFECYCLE_ASK);
	expect(&s, 12500, EMPTY, KILLING, 42500, LIFECYCLE_KILL);
	expect(&s, 12501, INIT_EXIT, GONE, 0, LIFECYCLE_REPORT);
	expect(&s, 12502, REMOVED, GONE, 0, 0);
}

/* A deadline, not the absence of a timer. */
static void test_no_settle_is_over_at_once(void **state)
{
	struct story s = begin(0, 0);

	(void)state;
	expect(&s, 10, TASK, WORKING, 0, 0);
	expect(&s, 500, LAST_EXIT, SETTLING, 500, 0);
	expect(&s, 500, EMPTY, STOPPING, 500, LIFECYCLE_ASK);
}

static void test_respawn_within_settle_cancels(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	for (unsigned at = 0; at < 100000; at += 1000) {
		expect(&s, at, TASK, WORKING, 0, 0);
		expect(&s, at + 1, LAST_EXIT, SETTLING, at + 2001, 0);
	}
	expect(&s, 101001, EMPTY, STOPPING, 111001, LIFECYCLE_ASK);
}

/* Its coming may have been missed: two exits, and no task in between. */
static void test_last_exit_restarts_settle(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	expect(&s, 0, TASK, WORKING, 0, 0);
	expect(&s, 100, LAST_EXIT, SETTLING, 2100, 0);
	expect(&s, 2000, LAST_EXIT, SETTLING, 4000, 0);
}

static void test_idle_settles_at_least_a_second(void **state)
{
	static const struct {
		unsigned settle_ms, wait_ms;
	} settles[] = {{0, 1000}, {999, 1000}, {1000, 1000}, {1001, 1001}, {30000, 30000}};

	(void)state;
	for (size_t i = 0; i < COUNT(settles); i++) {
		struct story s = begin(settles[i].settle_ms, 10000);

		expect(&s, 0, TASK, WORKING, 0, 0);
		expect(&s, 50, IDLE, SETTLING, 50 + settles[i].wait_ms, 0);
		expect(&s, 60, IDLE, SETTLING, 60 + settles[i].wait_ms, 0);
	}
}

static void test_spared_when_a_task_lives_at_the_end_of_grace(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	expect(&s, 0, TASK, WORKING, 0, 0);
	expect(&s, 100, LAST_EXIT, SETTLING, 2100, 0);
	expect(&s, 2100, EMPTY, STOPPING, 12100, LIFECYCLE_ASK);
	expect(&s, 3000, TASK, STOPPING, 12100, 0);
	expect(&s, 12100, BUSY, WORKING, 12350, LIFECYCLE_SPARED);
	expect(&s, 12400, LAST_EXIT, SETTLING, 14400, 0);
	expect(&s, 14400, EMPTY, STOPPING, 24400, LIFECYCLE_ASK);
}

static void test_stuck_after_30_s_then_each_minute(void **state)
{
	struct story s = begin(0, 1000);

	(void)state;
	s.life.state = LIFECYCLE_STOPPING;
	expect(&s, 1000, EMPTY, KILLING, 31000, LIFECYCLE_KILL);
	expect(&s, 31000, EMPTY, KILLING, 91000, LIFECYCLE_STUCK);
	expect(&s, 91000, EMPTY, KILLING, 151000, LIFECYCLE_STUCK);
	expect(&s, 151000, BUSY, KILLING, 211000, LIFECYCLE_STUCK);
	expect(&s, 151007, INIT_EXIT, GONE, 0, LIFECYCLE_REPORT);
}

static void test_paused_waits_where_it_is(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	expect(&s, 0, LAST_EXIT, SETTLING, 2000, 0);
	for (unsigned at = 2000; at < 60000; at += 250)
		expect(&s, at, PAUSED, SETTLING, at + 250, 0);
	expect(&s, 60000, EMPTY, STOPPING, 70000, LIFECYCLE_ASK);
	expect(&s, 70000, PAUSED, STOPPING, 70250, 0);
	expect(&s, 70250, EMPTY, KILLING, 100250, LIFECYCLE_KILL);
}

/* An entrypoint whose command has ended becomes a manager: only the end of that one's task counts. */
static void test_exec_begins_a_new_life(void **state)
{
	struct story s = begin(2000, 10000);

	(void)state;
	expect(&s, 0, TASK, WORKING, 0, 0);
	expect(&s, 100, LAST_EXIT, SETTLING, 2100, 0);
	expect(&s, 200, EXEC, STARTING, 0, 0);
	expect(&s, 2100, EMPTY, STARTING, 0, 0);
	expect(&s, 9000, TASK, WORKING, 0, 0);
	expect(&s, 9100, LAST_EXIT, SETTLING, 11100, 0);
	expect(&s, 11100, EMPTY, STOPPING, 21100, LIFECYCLE_ASK);
	expect(&s, 11200, EXEC, STOPPING, 21100, 0);
}

static void test_inits_exit_ends_every_state_and_is_reported_once(void **state)
{
	(void)state;
	for (int from = STARTING; from < GONE; from++) {
		struct story s = begin(2000, 10000);

		s.life = (struct lifecycle){from, MS(77)};
		expect(&s, 50, INIT_EXIT, GONE, 0, LIFECYCLE_REPORT);
		expect(&s, 51, INIT_EXIT, GONE, 0, 0);
		expect(&s, 52, REMOVED, GONE, 0, 0);
	}
}

static void test_names(void **state)
{
	static const char *const states[] = {"starting", "working", "settling",
					     "stopping", "killing", "gone"};
	static const char *const events[] = {"task",  "last_exit", "idle",   "untasked",
					     "empty", "busy",	   "paused", "ordered",
					     "exec",  "init_exit", "removed"};

	(void)state;
	assert_int_equal(COUNT(states), LIFECYCLE_STATE_COUNT);
	assert_int_equal(COUNT(events), LIFECYCLE_EVENT_COUNT);
	for (unsigned i = 0; i < COUNT(states); i++)
		assert_string_equal(lifecycle_state_name(i), states[i]);
	for (unsigned i = 0; i < COUNT(events); i++)
		assert_string_equal(lifecycle_event_name(i), events[i]);
}

/* "--settle 18446744073s" is meant as never, and must not wrap around to now. */
static void test_waits_of_centuries_do_not_wrap(void **state)
{
	const struct lifecycle_timing for_ever = {.settle_ns = UINT64_MAX, .grace_ns = UINT64_MAX};
	struct lifecycle life = {LIFECYCLE_WORKING, 0};
	unsigned actions;

	(void)state;
	life = lifecycle_step(life, LIFECYCLE_LAST_EXIT, 5000000000, &for_ever, &actions);
	assert_int_equal(life.state, LIFECYCLE_SETTLING);
	assert_true(life.deadline_ns == UINT64_MAX);
	life = lifecycle_step(life, LIFECYCLE_IDLE, 5000000000, &for_ever, &actions);
	assert_true(life.deadline_ns == UINT64_MAX);
	life = lifecycle_step(life, LIFECYCLE_EMPTY, 5000000000, &for_ever, &actions);
	assert_int_equal(life.state, LIFECYCLE_STOPPING);
	assert_true(life.deadline_ns == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_asked_then_killed),
		cmocka_unit_test(test_no_settle_is_over_at_once),
		cmocka_unit_test(test_respawn_within_settle_cancels),
		cmocka_unit_test(test_last_exit_restarts_settle),
		cmocka_unit_test(test_idle_settles_at_least_a_second),
		cmocka_unit_test(test_spared_when_a_task_lives_at_the_end_of_grace),
		cmocka_unit_test(test_stuck_after_30_s_then_each_minute),
		cmocka_unit_test(test_paused_waits_where_it_is),
		cmocka_unit_test(test_exec_begins_a_new_life),
		cmocka_unit_test(test_inits_exit_ends_every_state_and_is_reported_once),
		cmocka_unit_test(test_waits_of_centuries_do_not_wrap),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
