// SPDX-License-Identifier: Apache-2.0
/*
 * gvisor-events ROOT [SOCKET]
 *
 * The gVisor source without the agent: watches all sandboxes whose state is in ROOT, and those that connect
 * to SOCKET; each thing that it is told becomes a line of JSON. From standard input it takes
 *   verify ID       who lives in the container, by the sandbox's list
 *   signal ID N     to the container's init
 *   stats           of all sandboxes
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "gvisor/gvisor.h"

static struct sandboxes *sandboxes;
static struct event_base *base;

struct line {
	struct buf buf;
	struct json json;
};

static void line_begin(struct line *line, const char *event)
{
	memset(line, 0, sizeof(*line));
	json_init(&line->json, &line->buf);
	json_object_begin(&line->json, NULL);
	json_string(&line->json, "event", event);
	json_uint(&line->json, "now_ns", clock_boot_ns());
}

static void line_end(struct line *line)
{
	json_object_end(&line->json);
	printf("%s\n", line->buf.data);
	(void)fflush(stdout);
	buf_done(&line->buf);
}

static void put_container(struct json *j, const struct container *container)
{
	json_string(j, "container", container->identity.id);
	json_uint(j, "tasks", container->counts.tasks);
	json_uint(j, "helpers", container->counts.helpers);
	json_uint(j, "injected", container->counts.injected);
	json_int(j, "init", container->init.pid);
	json_string(j, "init_comm", container->init.comm);
	json_bool(j, "is_gone", container->is_gone);
}

static void on_change(void *context, struct container *container, enum gvisor_change change)
{
	static const char *const names[] = {"found", "init", "task", "idle", "reread", "removed"};
	struct line line;

	(void)context;
	line_begin(&line, names[change]);
	put_container(&line.json, container);
	line_end(&line);
}

static void on_exit_record(void *context, struct container *container,
			   const struct gvisor_exit *exit)
{
	const struct record_exit *record = &exit->record;
	struct line line;

	(void)context;
	line_begin(&line, "exit");
	put_container(&line.json, container);
	json_uint(&line.json, "pid", record->pid);
	json_uint(&line.json, "parent", record->parent_pid);
	json_uint(&line.json, "uid", record->uid);
	json_string(&line.json, "comm", record->comm);
	json_string(&line.json, "role", role_name(record->role));
	if (exit->has_status)
		json_int(&line.json, "status", record->status);
	else
		json_null(&line.json, "status");
	json_bool(&line.json, "is_last", record->head.flags & EXIT_LAST);
	json_bool(&line.json, "is_empty", record->head.flags & EXIT_EMPTY);
	json_uint(&line.json, "time_ns", record->head.time_ns);
	json_uint(&line.json, "start_ns", record->start_ns);
	line_end(&line);
}

static void put_sandbox(const char *event, const struct gvisor_sandbox *sandbox)
{
	const struct gvisor_stats *stats = gvisor_sandbox_stats(sandbox);
	uint64_t faults = 0;
	struct line line;

	for (unsigned i = 0; i < GVISOR_FAULT_COUNT; i++)
		faults += stats->faults[i];
	line_begin(&line, event);
	json_string(&line.json, "sandbox", gvisor_sandbox_id(sandbox));
	json_string(&line.json, "mode", gvisor_mode_name(gvisor_sandbox_mode(sandbox)));
	json_string(&line.json, "reason", gvisor_sandbox_reason(sandbox));
	json_uint(&line.json, "messages", stats->messages);
	json_uint(&line.json, "dropped", stats->dropped);
	json_uint(&line.json, "readings", stats->readings);
	json_uint(&line.json, "failed_readings", stats->failed_readings);
	json_uint(&line.json, "faults", faults);
	line_end(&line);
}

static void on_mode(void *context, const struct gvisor_sandbox *sandbox)
{
	(void)context;
	put_sandbox("mode", sandbox);
}

static void on_verified(void *context, struct container *container, int err, bool has_init,
			const struct gvisor_holder *holders, size_t count)
{
	struct line line;

	(void)context;
	line_begin(&line, "verified");
	put_container(&line.json, container);
	json_int(&line.json, "err", err);
	json_bool(&line.json, "has_init", has_init);
	json_array_begin(&line.json, "holders");
	for (size_t i = 0; i < count; i++) {
		json_object_begin(&line.json, NULL);
		json_int(&line.json, "pid", holders[i].pid);
		json_string(&line.json, "role", role_name(holders[i].role));
		json_string(&line.json, "comm", holders[i].comm);
		json_object_end(&line.json);
	}
	json_array_end(&line.json);
	line_end(&line);
}

static void on_signalled(void *context, struct container *container, int err, const char *text)
{
	struct line line;

	(void)context;
	line_begin(&line, "signalled");
	json_string(&line.json, "container", container ? container->identity.id : NULL);
	json_int(&line.json, "err", err);
	json_string(&line.json, "text", text);
	line_end(&line);
}

/* --- standard input --- */

struct order {
	const char *verb;
	const char *id;
	int signal;
};

static void carry_out(struct gvisor_sandbox *sandbox, struct container *container,
		      const struct order *order)
{
	int err;

	if (strcmp(order->verb, "verify") == 0)
		err = gvisor_sandbox_verify(sandbox, container, on_verified, NULL);
	else
		err = gvisor_sandbox_signal(sandbox, container, order->signal, on_signalled, NULL);
	if (err)
		on_signalled(NULL, container, err, strerror(-err));
}

static void find_and_carry_out(void *context, struct gvisor_sandbox *sandbox)
{
	const struct order *order = context;

	for (struct container *c = NULL; (c = gvisor_sandbox_next(sandbox, c));)
		if (strcmp(c->identity.id, order->id) == 0)
			carry_out(sandbox, c, order);
}

static void put_stats(void *context, struct gvisor_sandbox *sandbox)
{
	(void)context;
	put_sandbox("stats", sandbox);
}

static void take_order(char *text)
{
	char *rest = NULL;
	struct order order = {.verb = strtok_r(text, " ", &rest)};
	const char *number;

	order.id = strtok_r(NULL, " ", &rest);
	number = strtok_r(NULL, " ", &rest);
	order.signal = number ? atoi(number) : SIGTERM;
	if (order.verb && strcmp(order.verb, "stats") == 0)
		sandboxes_for_each(sandboxes, put_stats, NULL);
	else if (order.verb && order.id)
		sandboxes_for_each(sandboxes, find_and_carry_out, &order);
}

static void on_order(evutil_socket_t fd, short what, void *context)
{
	static char text[1024];
	static size_t len;
	ssize_t got = read(fd, text + len, sizeof(text) - 1 - len);
	char *end;

	(void)what;
	(void)context;
	if (got <= 0) {
		(void)event_base_loopbreak(base);
		return;
	}
	len += (size_t)got;
	text[len] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		take_order(text);
		len -= (size_t)(end + 1 - text);
		memmove(text, end + 1, len + 1);
	}
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	(void)event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	const char *roots[] = {argv[1], NULL};
	struct sandboxes_options options = {
		.proc = "/proc",
		.prefix = "",
		.roots = roots,
		.is_only = true,
		.socket = argc > 2 ? argv[2] : NULL,
		.observer = {on_change, on_exit_record, NULL},
		.on_mode = on_mode,
	};
	struct event *orders, *terminate;
	struct line line;
	struct error error;

	if (argc < 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	orders = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_order, NULL);
	terminate = evsignal_new(base, SIGTERM, on_signal, NULL);
	(void)event_add(orders, NULL);
	(void)event_add(terminate, NULL);
	if (sandboxes_new(base, &options, &sandboxes, &error) < 0) {
		(void)fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	sandboxes_reread(sandboxes);
	line_begin(&line, "watching");
	line_end(&line);
	(void)event_base_dispatch(base);
	sandboxes_free(sandboxes);
	event_free(orders);
	event_free(terminate);
	event_base_free(base);
	return 0;
}
