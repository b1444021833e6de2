// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/exit_reason.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "exit_by_status/thread_choice.h"
#include "host/file.h"

static pid_t find_tracer(const struct exit_by_status_request *request, pid_t tid)
{
	char path[256], text[4096];
	const char *line;
	int tracer;

	(void)snprintf(path, sizeof(path), "%s/%d/task/%d/status", request->proc, request->pid,
		       tid);
	if (file_read_cut(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nTracerPid:");
	return line && sscanf(line, "\nTracerPid: %d", &tracer) == 1 ? tracer : 0;
}

/* 3: nobody may trace anybody, root included. A setting of the host, which its procfs tells. */
static bool is_forbidden_by_yama(const char *proc)
{
	char path[256], text[16];

	(void)snprintf(path, sizeof(path), "%s/sys/kernel/yama/ptrace_scope", proc);
	return file_read(path, text, sizeof(text)) > 0 && text[0] == '3';
}

enum exit_by_status_result exit_reason_refused(const struct exit_by_status_request *request,
					       pid_t tid, pid_t *ret_tracer)
{
	*ret_tracer = find_tracer(request, tid);
	if (*ret_tracer)
		return EXIT_BY_STATUS_TRACED;
	if (is_forbidden_by_yama(request->proc))
		return EXIT_BY_STATUS_SCOPE;
	/* The kernel also refuses a thread that has just ended. */
	if (thread_is_dying(request->proc, request->pid, tid))
		return EXIT_BY_STATUS_GONE;
	return EXIT_BY_STATUS_DENIED;
}

/*
 * A frozen thread sleeps in the freezer, in which function depends on hierarchy and compiler. Not
 * every kernel tells it; but no other sleep is left that we could not have interrupted.
 */
static bool is_in_freezer(char state, const char *where)
{
	if (strstr(where, "freezer") || strstr(where, "refrigerator"))
		return true;
	return state == 'S' && (strstr(where, "get_signal") || !where[0] || where[0] == '0');
}

enum exit_by_status_result exit_reason_silent(const struct exit_by_status_request *request,
					      pid_t tid)
{
	char state, where[64];

	if (thread_read_state(request->proc, request->pid, tid, &state, where, sizeof(where)) < 0)
		return EXIT_BY_STATUS_GONE;
	if (is_in_freezer(state, where))
		return EXIT_BY_STATUS_FROZEN;
	if (state == 'T')
		return EXIT_BY_STATUS_STOPPED;
	return state == 'D' ? EXIT_BY_STATUS_UNINTERRUPTIBLE : EXIT_BY_STATUS_TIMED_OUT;
}
