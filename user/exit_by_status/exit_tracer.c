// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/exit_tracer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "exit_by_status/exit_reason.h"
#include "exit_by_status/registers.h"
#include "exit_by_status/syscall_site.h"
#include "exit_by_status/thread_choice.h"
#include "exit_by_status/tracee.h"
#include "host/procfs.h"

enum {
	RECOVERY_MS = 100, /* kept back from the limit, to put right what did not work */
	ENTRY_MS = 20,	   /* a thread that makes no system call for that long is pushed */
	SETTLE_MS = 10,	   /* for the first system call after a refused one */
};

struct attempt {
	const struct exit_by_status_request *request;
	struct exit_by_status_report *report;
	struct tracee tracee;
	uint64_t deadline_ns; /* of this thread's try */
	uint64_t limit_ns;    /* of everything */
	struct registers before;
	bool was_aimed; /* `before` was in user mode, and is to be put back as it is */
};

static enum exit_by_status_result fail(struct attempt *attempt, int err)
{
	if (err == -ESRCH)
		return EXIT_BY_STATUS_GONE;
	if (err == -EOPNOTSUPP)
		return EXIT_BY_STATUS_ABI;
	attempt->report->err = err;
	return EXIT_BY_STATUS_FAILED;
}

static enum exit_by_status_result let_go(struct attempt *attempt, enum exit_by_status_result result)
{
	tracee_detach(&attempt->tracee);
	return result;
}

static enum exit_by_status_result explain_refusal(struct attempt *attempt, int err)
{
	enum exit_by_status_result result;

	if (err != -EPERM && err != -EACCES)
		return fail(attempt, err);
	result = exit_reason_refused(attempt->request, attempt->tracee.tid,
				     &attempt->report->tracer);
	if (result == EXIT_BY_STATUS_DENIED)
		attempt->report->err = err;
	return result;
}

static enum exit_by_status_result explain_silence(const struct attempt *attempt)
{
	return exit_reason_silent(attempt->request, attempt->tracee.tid);
}

/*
 * Now that the thread is held its number cannot go to another. So if it is one of the process with
 * that number, and that process has the right start, nothing can have been mistaken; the pidfd says
 * that it lives.
 */
static bool is_still_it(const struct attempt *attempt)
{
	const struct exit_by_status_request *request = attempt->request;
	struct pollfd pidfd = {.fd = request->pidfd, .events = POLLIN};
	struct procfs_stat stat;

	return !thread_is_dying(request->proc, request->pid, attempt->tracee.tid) &&
	       procfs_read_stat(request->proc, request->pid, &stat) == 0 &&
	       procfs_is_start(&stat, request->start_ns) && poll(&pidfd, 1, 0) == 0;
}

static enum exit_by_status_result at_end(struct attempt *attempt)
{
	const struct exit_by_status_request *request = attempt->request;
	struct exit_by_status_report *report = attempt->report;

	report->status = attempt->tracee.status;
	if (report->status == request->code << 8) {
		if (request->is_ending)
			request->is_ending(request->context);
		return let_go(attempt, EXIT_BY_STATUS_DONE);
	}
	if ((report->status & 0x7f) == SIGSYS)
		return let_go(attempt, EXIT_BY_STATUS_SECCOMP);
	return let_go(attempt, EXIT_BY_STATUS_ENDING);
}

/* At a stop that the attempt cannot use. */
static enum exit_by_status_result give_up(struct attempt *attempt, enum tracee_stop stop)
{
	switch (stop) {
	case TRACEE_GONE:
		return EXIT_BY_STATUS_GONE;
	case TRACEE_ENDING:
		return at_end(attempt);
	case TRACEE_STOPPED:
		return let_go(attempt, EXIT_BY_STATUS_STOPPED);
	case TRACEE_RUNS:
		return explain_silence(attempt);
	default:
		return let_go(attempt, EXIT_BY_STATUS_TIMED_OUT);
	}
}

static uint64_t after_ms(unsigned ms)
{
	return clock_boot_ns() + ms * NS_PER_MS;
}

/* Waits for the entry of a system call, whatever else it stops for. */
static enum tracee_stop await_entry(struct attempt *attempt, uint64_t deadline_ns)
{
	for (;;) {
		enum tracee_stop stop = tracee_await(&attempt->tracee, deadline_ns);

		if (stop != TRACEE_ASKED && stop != TRACEE_RETURN)
			return stop;
		if (tracee_resume(&attempt->tracee) == -ESRCH)
			return TRACEE_GONE;
	}
}

static enum tracee_stop run_to_entry(struct attempt *attempt, uint64_t deadline_ns)
{
	if (tracee_resume(&attempt->tracee) == -ESRCH)
		return TRACEE_GONE;
	return await_entry(attempt, deadline_ns);
}

static enum tracee_stop interrupt(struct attempt *attempt, uint64_t deadline_ns)
{
	if (tracee_interrupt(&attempt->tracee) < 0)
		return TRACEE_GONE;
	return tracee_await(&attempt->tracee, deadline_ns);
}

/*
 * Puts an aimed thread back where it was: it has reached no system call. It was frozen just now, say,
 * and would make ours once it is thawed.
 */
static enum exit_by_status_result take_back(struct attempt *attempt)
{
	enum tracee_stop stop = interrupt(attempt, attempt->limit_ns);

	if (stop != TRACEE_ASKED)
		return give_up(attempt, stop);
	(void)registers_write(attempt->tracee.tid, &attempt->before);
	tracee_detach(&attempt->tracee);
	return explain_silence(attempt);
}

/*
 * The filter answered in place of exit_group. The thread makes its own call again, as if nothing had
 * been; the filter's SIGSYS, if that is its way, comes first and is swallowed. Only then is it free.
 */
static enum exit_by_status_result put_back(struct attempt *attempt)
{
	enum tracee_stop stop;

	if (!attempt->was_aimed)
		registers_rewind(&attempt->before);
	(void)registers_write(attempt->tracee.tid, &attempt->before);
	attempt->tracee.has_refused_exit = true;
	stop = run_to_entry(attempt, after_ms(SETTLE_MS));
	if (stop == TRACEE_RUNS)
		stop = interrupt(attempt, attempt->limit_ns);
	if (stop == TRACEE_ENTRY || stop == TRACEE_ASKED)
		return let_go(attempt, EXIT_BY_STATUS_SECCOMP);
	return give_up(attempt, stop);
}

/* At the entry of a system call: changes it, and sees what becomes of it. */
static enum exit_by_status_result enter_exit(struct attempt *attempt)
{
	const struct tracee *tracee = &attempt->tracee;
	enum tracee_stop stop;
	struct registers entry;
	int err = registers_read(tracee->tid, &entry);

	if (!err)
		err = registers_enter_exit(tracee->tid, &entry, tracee->arch,
					   attempt->request->code);
	if (err)
		return let_go(attempt, fail(attempt, err));
	if (!attempt->was_aimed)
		attempt->before = entry;
	do {
		(void)tracee_resume(tracee);
		stop = tracee_await(&attempt->tracee, attempt->deadline_ns);
	} while (stop == TRACEE_ASKED);
	if (stop == TRACEE_RUNS) /* a filter that asks somebody else, and gets no answer */
		stop = interrupt(attempt, attempt->limit_ns);
	return stop == TRACEE_RETURN ? put_back(attempt) : give_up(attempt, stop);
}

/* A thread that makes no system call by itself: sent to an instruction that makes one. */
static enum exit_by_status_result push(struct attempt *attempt)
{
	const struct exit_by_status_request *request = attempt->request;
	struct syscall_instruction instruction;
	struct registers aimed;
	enum tracee_stop stop;
	uint64_t address;
	int err = registers_read(attempt->tracee.tid, &attempt->before);

	if (!err)
		err = registers_instruction(&attempt->before, &instruction);
	if (!err)
		err = syscall_site_find(request->proc, request->pid, &instruction,
					attempt->deadline_ns, &address);
	if (err == -ENOENT || err == -ETIME)
		return let_go(attempt, EXIT_BY_STATUS_TIMED_OUT);
	if (!err) {
		aimed = attempt->before;
		registers_aim(&aimed, address, request->code);
		err = registers_write(attempt->tracee.tid, &aimed);
	}
	if (err)
		return let_go(attempt, fail(attempt, err));
	attempt->was_aimed = true;
	stop = run_to_entry(attempt, attempt->deadline_ns);
	if (stop == TRACEE_RUNS)
		return take_back(attempt);
	return stop == TRACEE_ENTRY ? enter_exit(attempt) : give_up(attempt, stop);
}

/* From the first stop on. */
static enum exit_by_status_result lead_to_exit(struct attempt *attempt)
{
	const struct exit_by_status_request *request = attempt->request;
	enum exit_by_status_result silence;
	enum tracee_stop stop;

	if (request->may_go_on && !request->may_go_on(request->context))
		return let_go(attempt, EXIT_BY_STATUS_HELD);
	stop = run_to_entry(attempt, after_ms(ENTRY_MS));
	if (stop == TRACEE_RUNS) {
		silence = explain_silence(attempt);
		if (silence == EXIT_BY_STATUS_FROZEN)
			return silence;
		if (silence == EXIT_BY_STATUS_UNINTERRUPTIBLE) /* fetches a page, say */
			stop = await_entry(attempt, attempt->deadline_ns);
	}
	if (stop == TRACEE_RUNS)
		stop = interrupt(attempt, attempt->deadline_ns);
	if (stop == TRACEE_ASKED)
		return push(attempt);
	return stop == TRACEE_ENTRY ? enter_exit(attempt) : give_up(attempt, stop);
}

static enum exit_by_status_result try_thread(struct attempt *attempt)
{
	enum tracee_stop stop;
	int err = tracee_seize(&attempt->tracee);

	if (err)
		return explain_refusal(attempt, err);
	if (!is_still_it(attempt))
		return EXIT_BY_STATUS_GONE; /* seized, but nobody notices: we end */
	stop = interrupt(attempt, attempt->deadline_ns);
	return stop == TRACEE_ASKED ? lead_to_exit(attempt) : give_up(attempt, stop);
}

/* Another thread may still do where this one did not come. */
static bool is_worth_another(enum exit_by_status_result result)
{
	return result == EXIT_BY_STATUS_UNINTERRUPTIBLE || result == EXIT_BY_STATUS_TIMED_OUT ||
	       result == EXIT_BY_STATUS_GONE;
}

static enum exit_by_status_result try_threads(struct attempt *attempt)
{
	pid_t threads[THREAD_CHOICE_MAX];
	size_t count = thread_choose(attempt->request->proc, attempt->request->pid, threads);
	enum exit_by_status_result result = EXIT_BY_STATUS_GONE;

	for (size_t i = 0; i < count; i++) {
		uint64_t now_ns = clock_boot_ns();
		uint64_t end_ns = attempt->limit_ns - RECOVERY_MS * NS_PER_MS;

		if (now_ns >= end_ns)
			break;
		attempt->deadline_ns = now_ns + (end_ns - now_ns) / (i + 1 < count ? 2 : 1);
		attempt->tracee = (struct tracee){
			.tid = threads[i],
			.first_stop_ns = attempt->tracee.first_stop_ns,
		};
		attempt->was_aimed = false;
		result = try_thread(attempt);
		if (!is_worth_another(result))
			break;
	}
	attempt->report->tid = attempt->tracee.tid;
	return result;
}

void exit_tracer_run(const struct exit_by_status_request *request,
		     struct exit_by_status_report *ret_report)
{
	struct exit_by_status_report report = {.status = -1};
	uint64_t start_ns = clock_boot_ns(), end_ns;
	struct attempt attempt = {
		.request = request,
		.report = &report,
		.limit_ns = start_ns + EXIT_BY_STATUS_LIMIT_MS * NS_PER_MS,
	};

	report.result = try_threads(&attempt);
	end_ns = clock_boot_ns();
	report.took_ns = end_ns - start_ns;
	if (attempt.tracee.first_stop_ns)
		report.held_ns = end_ns - attempt.tracee.first_stop_ns;
	*ret_report = report;
}
