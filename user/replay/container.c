// SPDX-License-Identifier: Apache-2.0
/*
 * One container of a recording: what agent/follower does for one of this host, without the host. The
 * decisions are made by the same code (core/); what is told to it comes from the recording, and where
 * the follower would look for itself, the counts answer. Always a dry run.
 */
#include "base/cleanup.h"
#include "core/exit_status.h"
#include "replay/private.h"

#define DOUBT_END	"the recording ends before"
#define DOUBT_ASKED	"the agent that recorded it ended its init before"
#define DOUBT_UNDECIDED "a policy that comes first may match, too"

static void say(struct replay *replay, struct replayed *replayed, struct replay_line *line)
{
	line->container = &replayed->container;
	line->choice = &replayed->choice;
	if (!line->policy)
		line->policy = replayed->policy;
	replay->options.say(replay->options.context, line);
}

/* How many hold the container. */
static unsigned holders(const struct replayed *replayed)
{
	const struct abi_counts *counts = &replayed->container.counts;

	if (replayed->policy && !replayed->policy->injected_holds)
		return counts->tasks;
	return counts->tasks + counts->injected;
}

static struct lifecycle_timing timing(const struct replayed *replayed)
{
	const struct container *container = &replayed->container;
	struct lifecycle_timing timing = {0};

	if (!replayed->policy)
		return timing;
	timing = replayed->policy->timing;
	timing.settle_ns = policy_settle(replayed->policy, replayed_manager(replayed),
					 &container->last_task)
				   .ns;
	return timing;
}

/* --- asking --- */

static bool is_limited(struct replay *replay, const struct replayed *replayed, uint64_t now_ns)
{
	const struct policy_limit *limit = &replayed->policy->limit;
	_cleanup_(buf_done) struct buf workload = {0};
	bool has_forgotten;

	limiter_put_workload(&workload, &replayed->container.identity);
	return workload.failed || !limiter_allows(replay->limiter, workload.data, limit, now_ns) ||
	       limiter_record(replay->limiter, workload.data, limit, now_ns, &has_forgotten) < 0;
}

/* As in a dry run, what follows is the next last exit. */
static void ask(struct replay *replay, struct replayed *replayed, uint64_t now_ns,
		const char *doubt)
{
	struct replay_line line = {
		.what = REPLAY_SAYS_ASKED,
		.time_ns = now_ns,
		.settle_ns = timing(replayed).settle_ns,
		.doubt = doubt		     ? doubt :
			 replayed->undecided ? DOUBT_UNDECIDED :
					       NULL,
	};
	struct error error;

	if (replayed_check_manager(replayed, &error) < 0) {
		line.what = REPLAY_SAYS_BLOCKED;
		line.doubt = error.text;
	} else if (is_limited(replay, replayed, now_ns)) {
		line.what = REPLAY_SAYS_LIMITED;
		line.doubt = NULL;
	}
	if (line.what == REPLAY_SAYS_ASKED)
		replay->totals.asked++;
	say(replay, replayed, &line);
	replayed->was_asked = true;
	replayed->life = (struct lifecycle){.state = LIFECYCLE_SETTLING};
}

/* Init is gone. Whoever was to be asked to end has ended before; by itself, as far as is told. */
static void report(struct replay *replay, struct replayed *replayed, uint64_t now_ns)
{
	struct replay_line line = {
		.what = REPLAY_SAYS_SELF,
		.time_ns = now_ns,
		.settle_ns = timing(replayed).settle_ns,
	};

	if (replayed->policy && !replayed->was_asked)
		say(replay, replayed, &line);
}

/* --- steps --- */

static void say_undecided(struct replay *replay, struct replayed *replayed, uint64_t now_ns)
{
	struct replay_line line = {
		.what = REPLAY_SAYS_UNDECIDED,
		.time_ns = now_ns,
		.policy = replayed->undecided,
		.doubt = replayed->undecided_key,
	};

	if (!replayed->undecided || replayed->told_undecided == replayed->undecided)
		return;
	replayed->told_undecided = replayed->undecided;
	say(replay, replayed, &line);
}

static void step(struct replay *replay, struct replayed *replayed, enum lifecycle_event event,
		 uint64_t now_ns)
{
	struct lifecycle_timing times = timing(replayed);
	struct replay_line line = {
		.what = REPLAY_SAYS_STATE,
		.time_ns = now_ns,
		.from = replayed->life.state,
		.why = event,
	};
	unsigned actions;

	replayed->life = lifecycle_step(replayed->life, event, now_ns, &times, &actions);
	replayed->is_put_off = event == LIFECYCLE_PAUSED;
	line.to = replayed->life.state;
	if (line.to != line.from)
		say(replay, replayed, &line);
	if (event == LIFECYCLE_LAST_EXIT)
		say_undecided(replay, replayed, now_ns);
	if (event == LIFECYCLE_TASK)
		replayed->was_asked = false;
	if (actions & LIFECYCLE_ASK && replayed->policy)
		ask(replay, replayed, now_ns, NULL);
	if (actions & LIFECYCLE_REPORT)
		report(replay, replayed, now_ns);
}

/* The counts as they are now, whatever the line said. */
static void look_at_counts(struct replay *replay, struct replayed *replayed,
			   enum lifecycle_event if_none, uint64_t now_ns)
{
	if (holders(replayed)) {
		if (replayed->container.counts.tasks)
			step(replay, replayed, LIFECYCLE_TASK, now_ns);
		return;
	}
	step(replay, replayed, replayed->container.task_exits ? if_none : LIFECYCLE_UNTASKED,
	     now_ns);
}

/* --- what happens by itself --- */

static uint64_t timer_due(const struct replayed *replayed)
{
	/* Watch only: nothing will be asked to end, so nothing needs a deadline. */
	return replayed->policy && replayed->life.deadline_ns ? replayed->life.deadline_ns :
								REPLAY_NEVER;
}

static uint64_t join_due(const struct replayed *replayed)
{
	return replayed->next_join < replayed->join_count ?
		       replayed->joins[replayed->next_join] & ~UINT64_C(1) :
		       REPLAY_NEVER;
}

/* While a task lives already, one more changes nothing: it is taken in when something else does. */
uint64_t replayed_due(const struct replayed *replayed)
{
	uint64_t timer_ns = timer_due(replayed), join_ns = join_due(replayed);

	if (replayed->life.state != LIFECYCLE_STARTING &&
	    replayed->life.state != LIFECYCLE_SETTLING)
		return timer_ns;
	return join_ns < timer_ns ? join_ns : timer_ns;
}

static void on_join(struct replay *replay, struct replayed *replayed)
{
	struct abi_counts *counts = &replayed->container.counts;
	uint64_t join = replayed->joins[replayed->next_join++];

	if (join & 1) {
		counts->injected++;
		return;
	}
	counts->tasks++;
	if (replayed->life.state != LIFECYCLE_GONE)
		step(replay, replayed, LIFECYCLE_TASK, join);
}

/* The pause at that moment; NULL: it was not paused, as far as is told. */
static const struct replayed_pause *find_pause(struct replayed *replayed, uint64_t now_ns)
{
	const struct replayed_pause *pause;

	while (replayed->next_pause < replayed->pause_count) {
		pause = &replayed->pauses[replayed->next_pause];
		if (now_ns < pause->until_ns)
			return now_ns >= pause->from_ns ? pause : NULL;
		replayed->next_pause++;
	}
	return NULL;
}

/* Looked at again as often as an agent does it, but all those looks at once. */
static void put_off(struct replay *replay, struct replayed *replayed,
		    const struct replayed_pause *pause, uint64_t now_ns)
{
	uint64_t wait_ns, left_ns = pause->until_ns - now_ns;

	step(replay, replayed, LIFECYCLE_PAUSED, now_ns);
	wait_ns = replayed->life.deadline_ns - now_ns;
	if (pause->until_ns == REPLAY_NEVER)
		replayed->life.deadline_ns = 0; /* its end is not told, nor what came of it */
	else if (left_ns > wait_ns)
		replayed->life.deadline_ns = now_ns + (left_ns + wait_ns - 1) / wait_ns * wait_ns;
}

static void on_timer(struct replay *replay, struct replayed *replayed)
{
	uint64_t now_ns = replayed->life.deadline_ns;
	const struct replayed_pause *pause = find_pause(replayed, now_ns);

	replayed->life.deadline_ns = 0;
	if (!holders(replayed)) {
		if (pause)
			put_off(replay, replayed, pause, now_ns);
		else
			step(replay, replayed, LIFECYCLE_EMPTY, now_ns);
		return;
	}
	/* Counted holders tell of their end themselves: no timer is needed for them. */
	if (replayed->life.state != LIFECYCLE_WORKING)
		step(replay, replayed, LIFECYCLE_BUSY, now_ns);
	replayed->life.deadline_ns = 0;
}

bool replayed_advance_once(struct replay *replay, struct replayed *replayed, uint64_t until_ns)
{
	uint64_t timer_ns = timer_due(replayed), join_ns = join_due(replayed);

	if (join_ns <= timer_ns && join_ns <= until_ns && join_ns != REPLAY_NEVER)
		on_join(replay, replayed);
	else if (timer_ns < until_ns)
		on_timer(replay, replayed);
	else
		return false;
	return true;
}

void replayed_advance(struct replay *replay, struct replayed *replayed, uint64_t until_ns)
{
	while (replayed_advance_once(replay, replayed, until_ns)) {
	}
}

/* --- what tail tells --- */

/* Another container of the same id: the one before has ended. */
static void begin_again(struct replayed *replayed)
{
	struct container *container = &replayed->container;

	replayed->life = (struct lifecycle){.state = LIFECYCLE_STARTING};
	replayed->was_asked = false;
	container->is_gone = false;
	container->task_exits = 0;
	container->counts = (struct abi_counts){0};
	container->last_task = container->init_exit = (struct ended){0};
	container->former_count = 0;
}

static struct ended end_of(const struct replay_record *record)
{
	return (struct ended){
		.process = record->process,
		.status = record->status,
		.time_ns = record->time_ns,
		.is_known = true,
	};
}

static void count_exit(struct container *container, const struct replay_record *record)
{
	container->counts.tasks = record->tasks_left;
	if (record->has_injected_left)
		container->counts.injected = record->injected_left;
	else if (record->role == ROLE_INJECTED && container->counts.injected)
		container->counts.injected--;
	container->task_exits += record->role == ROLE_TASK;
	if (record->role == ROLE_INIT) {
		container->init_exit = end_of(record);
		container->is_gone = true;
	}
	/* What the kernel kills because init is gone says nothing about the work. */
	if (record->role == ROLE_TASK && !record->tasks_left && !container->is_gone)
		container->last_task = end_of(record);
}

static void take_exit(struct replay *replay, struct replayed *replayed,
		      const struct replay_record *record)
{
	bool is_last = record->role == ROLE_TASK && !record->tasks_left;
	uint64_t now_ns = replay->now_ns;

	count_exit(&replayed->container, record);
	if (record->role == ROLE_INIT) {
		step(replay, replayed, LIFECYCLE_INIT_EXIT, now_ns);
		return;
	}
	if (holders(replayed) || replayed->life.state == LIFECYCLE_GONE)
		return;
	/* A probe that came and went does not start settle anew. */
	if (replayed->life.state == LIFECYCLE_SETTLING && !is_last)
		return;
	if (record->role == ROLE_TASK || record->role == ROLE_INJECTED) {
		if (replayed->container.task_exits)
			step(replay, replayed, LIFECYCLE_LAST_EXIT, now_ns);
	} else if (replayed->life.state == LIFECYCLE_WORKING) {
		/* The count fell without an exit: a task took a helper's name, or moved away. */
		look_at_counts(replay, replayed, LIFECYCLE_IDLE, now_ns);
	}
}

/* --- what the log of an agent tells --- */

/* Its agent made init end: what the policies of now would have done later did not come to pass. */
static void take_asked(struct replay *replay, struct replayed *replayed)
{
	uint64_t timer_ns = timer_due(replayed);

	if (replayed->life.state == LIFECYCLE_SETTLING && timer_ns != REPLAY_NEVER &&
	    !holders(replayed))
		ask(replay, replayed, timer_ns, DOUBT_ASKED);
}

static void take_state(struct replay *replay, struct replayed *replayed,
		       const struct replay_record *record)
{
	uint64_t now_ns = replay->now_ns;

	replayed->container.counts.tasks = record->counts.tasks;
	replayed->container.counts.injected = record->counts.injected;
	/* A last exit without its status is one that the agent has not seen. */
	if (record->last_task.is_known || record->why == LIFECYCLE_LAST_EXIT)
		replayed->container.last_task = record->last_task;
	if (record->why == LIFECYCLE_LAST_EXIT)
		replayed->container.last_task.time_ns = now_ns;
	switch (record->why) {
	case LIFECYCLE_LAST_EXIT:
		replayed->container.task_exits++;
		look_at_counts(replay, replayed, record->why, now_ns);
		return;
	case LIFECYCLE_TASK:
	case LIFECYCLE_UNTASKED:
		step(replay, replayed, record->why, now_ns);
		return;
	case LIFECYCLE_IDLE:
		look_at_counts(replay, replayed, record->why, now_ns);
		return;
	case LIFECYCLE_EMPTY:
		/*
		 * From other states it is the recorded policy's timer that says so, not the world; but
		 * where ours was over in a pause, we look when its agent does. By the policies of now it
		 * may be held all the same.
		 */
		if ((record->from == LIFECYCLE_WORKING || replayed->is_put_off) &&
		    !holders(replayed))
			step(replay, replayed, record->why, now_ns);
		return;
	case LIFECYCLE_BUSY:
		step(replay, replayed, record->why, now_ns);
		replayed->life.deadline_ns = 0; /* that it ends, the recording tells as well */
		return;
	case LIFECYCLE_INIT_EXIT:
	case LIFECYCLE_REMOVED:
		if (record->from == LIFECYCLE_STOPPING || record->from == LIFECYCLE_KILLING)
			take_asked(replay, replayed);
		replayed->container.is_gone = true;
		step(replay, replayed, record->why, now_ns);
		return;
	case LIFECYCLE_EXEC: /* has a line of its own */
	case LIFECYCLE_PAUSED:
	case LIFECYCLE_ORDERED:
	case LIFECYCLE_EVENT_COUNT:
		return;
	}
}

/* --- any line --- */

/* Where tail tells of it, what a log says of the same is not new. */
static bool is_new_exec(const struct replayed *replayed, const struct replay_record *record)
{
	return record->kind == REPLAY_EXEC && !(record->is_logged && replayed->has_exits);
}

/* What ended before was an entrypoint's. Whoever would have been ended by now has no other life. */
static void take_exec(struct replay *replay, struct replayed *replayed,
		      const struct replay_record *record)
{
	struct container *container = &replayed->container;

	if (replayed->was_asked || replayed->life.state == LIFECYCLE_GONE)
		return;
	container->task_exits = 0;
	container->last_task = container->first_failure = (struct ended){0};
	container->counts.tasks = record->counts.tasks;
	step(replay, replayed, LIFECYCLE_EXEC, replay->now_ns);
	if (container->counts.tasks)
		step(replay, replayed, LIFECYCLE_TASK, replay->now_ns);
}

static void take_init(struct container *container, const struct replay_record *record)
{
	if (record->init.pid)
		container->init.pid = record->init.pid;
	if (record->init.comm[0])
		container->init = record->init;
	if (record->init_args.answer != ANSWER_UNREADABLE)
		container->init_args = record->init_args;
	if (record->led_args.answer != ANSWER_UNREADABLE)
		container->led_args = record->led_args;
}

static bool is_another_container(const struct replayed *replayed,
				 const struct replay_record *record)
{
	if (replayed->life.state != LIFECYCLE_GONE)
		return false;
	return record->kind == REPLAY_FOUND || (record->kind == REPLAY_EXIT && record->init.pid &&
						record->init.pid != replayed->container.init.pid);
}

/* Somebody is to act now, or by other times, for a container that settles already. */
static void match_again(struct replay *replay, struct replayed *replayed)
{
	const struct policy *before = replayed->policy;

	replayed_match_policy(replay, replayed);
	if (replayed->policy && replayed->policy != before && !replayed->was_asked &&
	    replayed->life.state == LIFECYCLE_SETTLING)
		step(replay, replayed, LIFECYCLE_LAST_EXIT, replay->now_ns);
}

void replayed_take(struct replay *replay, struct replayed *replayed,
		   const struct replay_record *record)
{
	if (is_another_container(replayed, record))
		begin_again(replayed);
	if (is_new_exec(replayed, record))
		container_keep_former(&replayed->container);
	take_init(&replayed->container, record);
	match_again(replay, replayed);
	replayed_advance(replay, replayed, replay->now_ns);
	if (record->kind == REPLAY_EXIT)
		take_exit(replay, replayed, record);
	else if (is_new_exec(replayed, record))
		take_exec(replay, replayed, record);
	else if (record->kind == REPLAY_STATE && !replayed->has_exits)
		take_state(replay, replayed, record);
}

void replayed_end(struct replay *replay, struct replayed *replayed)
{
	uint64_t timer_ns = timer_due(replayed);

	if (replayed->life.state == LIFECYCLE_SETTLING && timer_ns != REPLAY_NEVER &&
	    !holders(replayed))
		ask(replay, replayed, timer_ns, DOUBT_END);
}
