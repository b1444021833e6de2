// SPDX-License-Identifier: Apache-2.0
/*
 * What was not seen, and how it is made good: a full ring buffer, a full table, a run of a hook that
 * the kernel skipped. Each is counted by the kernel side; when a count has moved, everything is read
 * again. And each minute all the same, quietly: what that finds is a drift, and a drift is a bug.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/watch_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

static void start_timer(struct event *timer, uint64_t ms)
{
	struct timeval delay = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (!evtimer_pending(timer, NULL))
		(void)evtimer_add(timer, &delay); /* tried again with the next event */
}

void watch_look_for_losses(struct watch *watch)
{
	start_timer(watch->loss_timer, WATCH_LOSS_MS);
}

/* Around the minute, so that a fleet of agents does not read at one moment. */
static void start_reread_timer(struct watch *watch)
{
	uint64_t ms = watch->options.reread_ms;

	if (ms)
		start_timer(watch->reread_timer, ms - ms / 8 + (uint64_t)random() % (ms / 4 + 1));
}

const char *watch_reread_name(enum watch_reread why)
{
	static const char *const names[] = {
		[WATCH_REREAD_LOSS] = "loss",
		[WATCH_REREAD_DOUBT] = "doubt",
		[WATCH_REREAD_CLOCK] = "clock",
	};

	return names[why];
}

/* What has come to `losses` since it was last looked at; true if anything has. */
static bool take_losses(struct watch *watch, struct bpf_source_losses *ret_new)
{
	struct bpf_source_losses now;
	bool has_any = false;

	bpf_source_read_losses(watch->source, &now);
	for (unsigned i = 0; i < BPF_SOURCE_LOSS_KINDS; i++) {
		ret_new->by_kind[i] = now.by_kind[i] - watch->seen.by_kind[i];
		has_any = has_any || ret_new->by_kind[i];
	}
	watch->seen = now;
	return has_any;
}

static void log_losses(const struct bpf_source_losses *losses, const char *message)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, "lost", message);
	for (unsigned i = 0; i < BPF_SOURCE_LOSS_KINDS; i++)
		if (losses->by_kind[i])
			log_uint(&line, bpf_source_loss_name(i), losses->by_kind[i]);
	log_end(&line);
}

static void look_at_all(struct watch *watch)
{
	struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next) {
		if (!watch_is_there(watch, watched->container.path, watched->container.cgroup)) {
			watch_drop(watch, watched);
			continue;
		}
		watch_retake_init(watch, watched);
		if (watch_identify_again(watch, watched))
			watch_tell(watch, watched, WATCH_IDENTITY);
		if (!watch_refresh(watch, &watched->container))
			continue;
		if (watched->told_life != watched->container.life) {
			watched->told_life = watched->container.life;
			watch_tell(watch, watched, WATCH_EXEC);
		}
		watch_tell(watch, watched, WATCH_REREAD);
	}
}

static bool is_too_soon(struct watch *watch, enum watch_reread why)
{
	uint64_t now_ns = clock_boot_ns();

	if (why != WATCH_REREAD_DOUBT)
		return false;
	if (now_ns - watch->doubted_ns < WATCH_DOUBT_MS * NS_PER_MS)
		return true;
	watch->doubted_ns = now_ns;
	return false;
}

void watch_reread(struct watch *watch, enum watch_reread why)
{
	struct bpf_source_losses found;

	if (is_too_soon(watch, why))
		return;
	watch->rereads[why]++;
	watch->unwatched = 0;
	runtime_state_hold(&watch->options.roots);
	bpf_source_adopt_begin(watch->source);
	(void)cgroupfs_walk(&watch->hierarchy, watch_visit, watch); /* tried again next time */
	(void)bpf_source_recount(watch->source);
	bpf_source_adopt_end(watch->source);
	if (bpf_source_met_ending(watch->source))
		watch_reread_soon(watch);
	watch_tell_new(watch);
	runtime_state_release(&watch->options.roots);
	if (take_losses(watch, &found))
		log_losses(&found, "counts were wrong, and are right again");
}

/* A cgroup in which no process is: of a runtime that was killed, or that has not put one in yet. */
static bool is_empty(const struct watch *watch, const struct container *container)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	if (container->init.pid)
		return false; /* while it lives; its exit has a record of its own */
	return cgroupfs_read_procs(&watch->hierarchy, container->path, &pids, &count) == 0 &&
	       count == 0;
}

/* Is there a last exit that could be missed? A run of a hook that the kernel skips wakes nobody. */
static bool may_work(const struct watch *watch)
{
	const struct watched *watched, *next;

	HASH_ITER(hh, watch->table, watched, next) {
		const struct container *container = &watched->container;

		/* A first task is told late, too: perhaps it is there. */
		if (!container->is_gone && !container->is_idle && !is_empty(watch, container))
			return true;
	}
	return false;
}

/*
 * What the kernel side counts on suspicion, and is no container's: user space was told, but the record
 * of it was lost. Not within a record's or a follower's call: it reads records itself.
 */
static void read_everything(struct watch *watch, enum watch_reread why)
{
	_cleanup_free_ uint64_t *counted = NULL;
	size_t count = 0;

	if (bpf_source_list_containers(watch->source, &counted, &count) < 0)
		count = 0; /* with the next one */
	/* What is listed has been told of when this is all read, or never will be. */
	if (!bpf_source_drain(watch->source, WATCH_RESYNC_MS))
		count = 0;
	if (watch->has_new)
		watch_adopt_new(watch);
	watch_reread(watch, why);
	watch_forget_unknown(watch, counted, count);
	look_at_all(watch);
	if (watch->options.observer.on_reread)
		watch->options.observer.on_reread(watch->options.observer.context);
}

void watch_reread_soon(struct watch *watch)
{
	watch->must_reread = true;
	start_timer(watch->loss_timer, WATCH_LOSS_MS);
}

void watch_on_loss_timer(evutil_socket_t fd, short what, void *context)
{
	struct bpf_source_losses lost;
	struct watch *watch = context;
	bool must_reread = watch->must_reread;

	(void)fd;
	(void)what;
	watch->must_reread = false;
	if (watch->options.reread_ms && bpf_source_may_skip(watch->source) && may_work(watch))
		start_timer(watch->loss_timer, WATCH_SKIP_MS);
	if (take_losses(watch, &lost))
		log_losses(&lost, "events were lost: reading all containers again");
	else if (!must_reread)
		return;
	read_everything(watch, WATCH_REREAD_LOSS);
}

void watch_on_reread_timer(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;

	(void)fd;
	(void)what;
	start_reread_timer(watch);
	read_everything(watch, WATCH_REREAD_CLOCK);
}

void watch_start_rereading(struct watch *watch)
{
	start_reread_timer(watch);
	watch_look_for_losses(watch);
}

void watch_read_losses(struct watch *watch, struct watch_losses *ret_losses)
{
	bpf_source_read_losses(watch->source, &ret_losses->source);
	for (unsigned i = 0; i < BPF_SOURCE_LOSS_KINDS; i++)
		ret_losses->source.by_kind[i] -= watch->at_start.by_kind[i];
	memcpy(ret_losses->rereads, watch->rereads, sizeof(ret_losses->rereads));
}

uint64_t watch_last_exits(const struct watch *watch)
{
	return watch->last_exits;
}

uint64_t watch_lost(struct watch *watch)
{
	struct watch_losses losses;
	uint64_t sum = 0;

	watch_read_losses(watch, &losses);
	for (unsigned i = 0; i < BPF_SOURCE_LOSS_KINDS; i++)
		sum += losses.source.by_kind[i];
	return sum;
}
