// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "gvisor/table.h"

/* The guest's clock is this much ahead of CLOCK_BOOTTIME, which stands still. */
#define AHEAD UINT64_C(1000000)
#define NOW   UINT64_C(5000)

/* Everything that the observer was told, a word each: "+task", "exit 7=3 task last left=0/0/0". */
static struct buf told;
static struct gvisor_table *table;
static struct container *web;

static void on_change(void *context, struct container *container, enum gvisor_change change)
{
	static const char *const names[] = {"found", "init", "task", "idle", "reread", "removed"};

	(void)context;
	buf_printf(&told, "%s%s", told.len ? ", " : "", names[change]);
	if (change == GVISOR_INIT)
		buf_printf(&told, " %d %s", container->init.pid, container->init.comm);
}

static void on_exit_record(void *context, struct container *container,
			   const struct gvisor_exit *exit)
{
	static const char *const roles[] = {"host", "runtime", "init",
					    "task", "helper",  "injected"};
	const struct record_exit *record = &exit->record;

	(void)context;
	assert_int_equal(record->head.kind, RECORD_EXIT);
	assert_int_equal(record->head.size, sizeof(*record));
	assert_true(record->head.container == container->cgroup);
	buf_printf(&told, "%sexit %u %s", told.len ? ", " : "", record->pid, roles[record->role]);
	if (exit->has_status)
		buf_printf(&told, "=%d", record->status);
	if (record->head.flags & EXIT_LAST)
		buf_puts(&told, " last");
	if (record->head.flags & EXIT_EMPTY)
		buf_puts(&told, " empty");
}

#define assert_told(text)                                              \
	do {                                                           \
		assert_string_equal(told.data ? told.data : "", text); \
		buf_done(&told);                                       \
		told = (struct buf){0};                                \
	} while (0)

/* What processes of small numbers have executed; "goproc", as long as they have not. */
static char names[64][ABI_COMM_SIZE];

static const char *name_of(pid_t pid)
{
	return pid < 64 && names[pid][0] ? names[pid] : "goproc";
}

static const char *const more_helpers[] = {"house*", NULL};

static int make_table(void **state)
{
	static const struct gvisor_table_observer observer = {on_change, on_exit_record, NULL};
	static const struct gvisor_named named = {
		.id = "web",
		.cgroup = "/web",
		.init_args = {.answer = ANSWER_VALUE, .size = 7, .bytes = "goproc"},
		.pod_uid = "",
		.key = UINT64_C(1) << 63};

	(void)state;
	told = (struct buf){0};
	memset(names, 0, sizeof(names));
	assert_int_equal(gvisor_table_new(more_helpers, &observer, &table), 0);
	gvisor_table_set_time(table, NOW, AHEAD);
	assert_int_equal(gvisor_table_add(table, &named, &web), 0);
	assert_int_equal(gvisor_table_add(table, &named, &web), -EEXIST);
	gvisor_table_tell(table, web);
	assert_told("found");
	return 0;
}

static int free_table(void **state)
{
	(void)state;
	gvisor_table_free(table);
	buf_done(&told);
	return 0;
}

/* A process that starts with number N does so at guest time AHEAD + N, unless it is told otherwise. */
static struct gvisor_event event_of(enum gvisor_kind kind, pid_t pid, const char *comm)
{
	struct gvisor_event event = {.kind = kind,
				     .pid = pid,
				     .tid = pid,
				     .start_ns = AHEAD + (uint64_t)pid,
				     .time_ns = AHEAD + 100};

	(void)strcpy(event.container, "web");
	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	return event;
}

/* Gives whether there is a doubt. */
static bool apply(const struct gvisor_event *event)
{
	bool has_doubt = false;

	assert_true(gvisor_table_apply(table, event, &has_doubt));
	return has_doubt;
}

static bool start(pid_t pid)
{
	struct gvisor_event event = event_of(GVISOR_START, pid, "goproc");

	return apply(&event);
}

static bool fork_from(pid_t parent, pid_t child)
{
	struct gvisor_event event = event_of(GVISOR_CLONE, parent, name_of(parent));

	event.child_pid = child;
	event.child_start_ns = AHEAD + (uint64_t)child;
	if (child < 64 && child != parent)
		(void)strcpy(names[child], name_of(parent));
	return apply(&event);
}

static bool exec(pid_t pid, const char *comm)
{
	struct gvisor_event event = event_of(GVISOR_EXEC, pid, name_of(pid));

	(void)snprintf(event.new_comm, sizeof(event.new_comm), "%s", comm);
	(void)snprintf(names[pid], sizeof(names[pid]), "%s", comm);
	return apply(&event);
}

static bool ended(pid_t pid, int status)
{
	struct gvisor_event event = event_of(GVISOR_EXIT, pid, name_of(pid));

	event.status = status;
	return apply(&event);
}

/* A row of a process list; alive, and in the dump, unless start is 0. */
static struct gvisor_member row(pid_t pid, pid_t parent, const char *comm)
{
	struct gvisor_member member = {
		.pid = pid, .parent = parent, .start_ns = AHEAD + (uint64_t)pid, .is_dumped = true};

	(void)snprintf(member.comm, sizeof(member.comm), "%s", comm);
	return member;
}

static struct gvisor_member zombie(pid_t pid, pid_t parent)
{
	struct gvisor_member member = row(pid, parent, "zombie");

	member.start_ns = 0;
	member.is_dumped = false;
	return member;
}

#define listed(is_patient, mark, ...)                                        \
	listed_rows(is_patient, mark, (struct gvisor_member[]){__VA_ARGS__}, \
		    sizeof((struct gvisor_member[]){__VA_ARGS__}) / sizeof(struct gvisor_member))

static bool listed_rows(bool is_patient, uint64_t mark, struct gvisor_member *rows, size_t count)
{
	struct gvisor_listing listing = {.members = rows, .count = count, .has_dump = true};

	return gvisor_table_reconcile(table, web, &listing, mark, is_patient);
}

static void assert_counts(unsigned tasks, unsigned helpers, unsigned injected)
{
	assert_int_equal(web->counts.tasks, tasks);
	assert_int_equal(web->counts.helpers, helpers);
	assert_int_equal(web->counts.injected, injected);
}

/* --- events --- */

static void test_last_exit(void **state)
{
	(void)state;
	assert_false(start(1));
	assert_told("init 1 goproc");
	assert_false(fork_from(1, 2));
	assert_false(fork_from(2, 3));
	assert_told("task");
	assert_counts(2, 0, 0);
	assert_false(ended(2, 768));
	assert_false(ended(3, 9));
	assert_told("exit 2 task=768, exit 3 task=9 last empty");
	assert_true(web->last_task.is_known);
	assert_int_equal(web->last_task.process.pid, 3);
	assert_int_equal(web->last_task.status, 9);
	assert_true(web->last_task.time_ns == 100);
	assert_true(web->last_task.process.start_ns == 3);
	assert_true(web->task_exits == 2);
	assert_true(web->is_idle);
	assert_false(fork_from(1, 4));
	assert_told("task");
	assert_false(web->is_idle);
}

static void test_a_zombie_that_is_told_again_dies_once(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)ended(2, 0);
	assert_told("init 1 goproc, task, exit 2 task=0 last empty");
	assert_false(ended(2, 0));
	assert_told("");
	assert_counts(0, 0, 0);
}

static void test_threads_are_not_counted(void **state)
{
	struct gvisor_event thread_exit = event_of(GVISOR_THREAD_EXIT, 2, "goproc");

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	assert_told("init 1 goproc, task");
	assert_false(fork_from(2, 2));
	assert_counts(1, 0, 0);
	/* the leader, while the process lives on */
	assert_false(apply(&thread_exit));
	assert_told("");
	assert_counts(1, 0, 0);
}

static bool exec_with(pid_t pid, const char *comm, const char *argument)
{
	struct gvisor_event event = event_of(GVISOR_EXEC, pid, name_of(pid));

	(void)snprintf(event.new_comm, sizeof(event.new_comm), "%s", comm);
	(void)snprintf(names[pid], sizeof(names[pid]), "%s", comm);
	command_line_add(&event.args, comm);
	if (argument)
		command_line_add(&event.args, argument);
	return apply(&event);
}

/* What ended before was an entrypoint's; what runs goes on. */
static void test_init_becomes_another_program(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)fork_from(1, 3);
	(void)ended(2, 768);
	assert_told("init 1 goproc, task, exit 2 task=768");
	assert_false(exec_with(1, "sh", "a.sh"));
	assert_told("init 1 sh");
	assert_int_equal(web->life, 1);
	assert_int_equal(web->task_exits, 0);
	assert_counts(1, 0, 0);
	assert_int_equal(web->former_count, 1);
	assert_string_equal(web->formers[0].comm, "goproc");
	(void)ended(3, 0);
	assert_told("exit 3 task=0 last empty");
	assert_int_equal(web->task_exits, 1);
	assert_true(web->last_task.is_known && web->is_idle);

	/* The same program again is no other; another script is. */
	(void)exec_with(1, "sh", "a.sh");
	assert_int_equal(web->life, 1);
	assert_true(web->last_task.is_known && web->is_idle);
	(void)exec_with(1, "sh", "b.sh");
	assert_int_equal(web->life, 2);
	assert_int_equal(web->task_exits, 0);
	assert_false(web->is_idle);
	assert_string_equal(command_line_argument(&web->init_args, 1), "b.sh");
	assert_told("init 1 sh, init 1 sh");
}

/* While it is being ended an exec is its way to end. */
static void test_exec_of_an_init_that_is_asked(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)ended(2, 768);
	web->is_asked = true;
	(void)exec_with(1, "s6-finish", NULL);
	assert_int_equal(web->last_task.status, 768);
	assert_true(web->is_idle);
	assert_told("init 1 goproc, task, exit 2 task=768 last empty, init 1 s6-finish");
}

/* Its exec is among what was dropped, perhaps; a name of its own choice is not worth less. */
static void test_exec_that_was_missed(void **state)
{
	uint64_t mark;

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)ended(2, 0);
	mark = gvisor_table_mark(table);
	(void)listed(true, mark, row(1, 0, "goproc: master"));
	assert_int_equal(web->life, 0);
	gvisor_table_miss(table);
	(void)listed(true, mark, row(1, 0, "server"));
	assert_int_equal(web->life, 1);
	assert_int_equal(web->task_exits, 0);
	assert_told("init 1 goproc, task, exit 2 task=0 last empty, init 1 goproc: master, "
		    "init 1 server");
}

static void test_helpers(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	assert_told("init 1 goproc, task");
	assert_false(exec(2, "s6-supervise"));
	assert_told("idle");
	assert_counts(0, 1, 0);
	/* what a helper starts is work, until it is a helper itself */
	assert_false(fork_from(2, 3));
	assert_false(exec(3, "worker"));
	assert_told("task");
	assert_counts(1, 1, 0);
	assert_false(fork_from(1, 4));
	assert_false(exec(4, "housekeeping"));
	assert_counts(1, 2, 0);
	assert_false(ended(3, 0));
	assert_told("exit 3 task=0 last empty");
	/* an exec told another name than it really has: of a script, its interpreter's */
	assert_false(fork_from(1, 6));
	assert_false(exec(6, "python3"));
	(void)strcpy(names[6], "supervisord");
	assert_counts(1, 2, 0);
	assert_told("task");
	assert_false(fork_from(6, 7));
	assert_counts(1, 3, 0);
	assert_false(ended(7, 0));
	assert_told("idle, task, exit 7 task=0 last empty");
	/* the name alone, which stays the same over the fork, makes no helper; the exec does */
	assert_false(fork_from(2, 5));
	assert_counts(1, 3, 0);
	assert_false(exec(5, "s6-supervise"));
	assert_counts(0, 4, 0);
}

static void test_injected(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	assert_told("init 1 goproc, task");
	/* `runsc exec` is silent: it is seen by what it does */
	assert_true(fork_from(20, 21));
	assert_counts(1, 0, 2);
	assert_false(ended(2, 0));
	assert_told("exit 2 task=0 last");
	assert_false(ended(21, 0));
	assert_false(ended(20, 256));
	assert_told("exit 21 injected=0, exit 20 injected=256 empty");
	/* one that did nothing but end */
	assert_true(ended(30, 0));
	assert_told("exit 30 injected=0 empty");
	assert_false(ended(30, 0));
	assert_told("");
}

static void test_number_used_again(void **state)
{
	struct gvisor_event event;

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)ended(2, 0);
	assert_told("init 1 goproc, task, exit 2 task=0 last empty");
	event = event_of(GVISOR_CLONE, 1, "goproc");
	event.child_pid = 2;
	event.child_start_ns = AHEAD + 50;
	assert_false(apply(&event));
	assert_told("task");
	/* the first one's, once more */
	assert_false(ended(2, 0));
	assert_counts(1, 0, 0);
	/* a third one: nobody told how the second ended */
	event.child_start_ns = AHEAD + 60;
	assert_true(apply(&event));
	assert_told("exit 2 task last empty, task");
	assert_false(web->last_task.is_known);
	assert_counts(1, 0, 0);
}

static void test_another_containers_event(void **state)
{
	struct gvisor_event event = event_of(GVISOR_EXIT, 1, "goproc");
	bool has_doubt = false;

	(void)state;
	(void)start(1);
	assert_told("init 1 goproc");
	(void)strcpy(event.container, "other");
	assert_false(gvisor_table_apply(table, &event, &has_doubt));
	assert_told("");
}

/* Two containers of one sandbox share its numbers: neither can end the other's processes. */
static void test_neighbours_process(void **state)
{
	static const struct gvisor_named named = {
		.id = "db", .cgroup = "", .pod_uid = "", .key = 7};
	struct gvisor_event event;
	struct container *db;

	(void)state;
	assert_int_equal(gvisor_table_add(table, &named, &db), 0);
	(void)start(1);
	(void)fork_from(1, 2);
	assert_told("init 1 goproc, task");
	event = event_of(GVISOR_EXIT, 2, "evil");
	(void)strcpy(event.container, "db");
	assert_true(apply(&event));
	assert_counts(1, 0, 0);
	gvisor_table_remove(table, db);
	assert_told("");
	gvisor_table_remove(table, web);
	assert_told("removed");
	assert_null(gvisor_table_next(table, NULL));
}

static void test_end_of_sandbox(void **state)
{
	struct gvisor_event thread_exit = event_of(GVISOR_THREAD_EXIT, 1, "goproc");

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	/* a worker's exec ends the leader's thread; the process goes on */
	thread_exit.status = 0;
	assert_false(apply(&thread_exit));
	(void)exec(1, "other");
	assert_told("init 1 goproc, task, init 1 other");
	thread_exit.status = 42 << 8;
	assert_false(apply(&thread_exit));
	assert_told("");
	gvisor_table_end(table);
	assert_told("exit 1 init=10752");
	assert_true(web->is_gone);
	assert_int_equal(web->init_exit.status, 42 << 8);
	gvisor_table_end(table);
	assert_told("");
}

/* --- process lists --- */

static void test_found(void **state)
{
	(void)state;
	/* 1 init, 2 its task, 3 helper and 4 its work, 6 from outside and 7 its child, 5 an orphan */
	assert_false(listed(false, 0, row(1, 0, "goproc"), row(2, 1, "work"),
			    row(3, 1, "s6-supervise"), row(4, 3, "work"), row(5, 1, "work"),
			    row(6, 0, "sh"), row(7, 6, "ls")));
	assert_told("init 1 goproc, task");
	assert_counts(3, 1, 2);
	assert_int_equal(gvisor_table_role(table, 1), ROLE_INIT);
	assert_int_equal(gvisor_table_role(table, 3), ROLE_HELPER);
	assert_int_equal(gvisor_table_role(table, 4), ROLE_TASK);
	assert_int_equal(gvisor_table_role(table, 7), ROLE_INJECTED);
	assert_int_equal(gvisor_table_role(table, 99), ROLE_HOST);
	/* the same once more changes nothing */
	assert_false(listed(false, gvisor_table_mark(table), row(1, 0, "goproc"), row(2, 1, "work"),
			    row(3, 1, "s6-supervise"), row(4, 3, "work"), row(5, 1, "work"),
			    row(6, 0, "sh"), row(7, 6, "ls")));
	assert_told("");
	assert_counts(3, 1, 2);
}

static void test_parent_with_a_higher_number(void **state)
{
	(void)state;
	(void)listed(false, 0, row(1, 0, "goproc"), row(2, 9, "ls"), row(3, 8, "work"),
		     row(8, 1, "work"), row(9, 0, "sh"));
	assert_counts(2, 0, 2);
	assert_int_equal(gvisor_table_role(table, 2), ROLE_INJECTED);
	assert_int_equal(gvisor_table_role(table, 3), ROLE_TASK);
	assert_told("init 1 goproc, task");
}

static void test_a_circle_of_parents_ends(void **state)
{
	(void)state;
	(void)listed(false, 0, row(1, 0, "goproc"), row(2, 3, "a"), row(3, 2, "b"));
	assert_counts(2, 0, 0);
	assert_told("init 1 goproc, task");
}

static void test_zombies(void **state)
{
	(void)state;
	(void)listed(false, 0, row(1, 0, "goproc"), zombie(2, 1), zombie(3, 1));
	assert_counts(0, 0, 0);
	assert_told("init 1 goproc");
	/* told again, when it gets another parent */
	assert_false(ended(2, 0));
	assert_told("");
	/* reaped, and its number is used again */
	assert_false(fork_from(1, 3));
	assert_told("task");
	assert_counts(1, 0, 0);
}

static void test_what_was_missed(void **state)
{
	uint64_t mark;

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)fork_from(1, 3);
	assert_told("init 1 goproc, task");
	mark = gvisor_table_mark(table);
	/* joined after the list was asked for */
	(void)fork_from(1, 4);
	assert_false(listed(true, mark, row(1, 0, "goproc"), row(3, 1, "work"), row(9, 0, "sh")));
	assert_told("exit 2 task");
	assert_counts(2, 0, 1);
	mark = gvisor_table_mark(table);
	assert_false(listed(true, mark, row(1, 0, "goproc"), row(9, 0, "sh")));
	assert_told("exit 3 task, exit 4 task last");
	assert_false(web->last_task.is_known);
	assert_int_equal(web->last_task.process.pid, 4);
}

/* An exit that is told is believed, although the list was made before it. */
static void test_the_exit_is_believed_not_the_list(void **state)
{
	uint64_t mark;

	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	mark = gvisor_table_mark(table);
	(void)ended(2, 0);
	assert_told("init 1 goproc, task, exit 2 task=0 last empty");
	assert_false(listed(true, mark, row(1, 0, "goproc"), row(2, 1, "work")));
	assert_told("");
	assert_counts(0, 0, 0);
}

/* Its memory is gone a moment before its exit is told: that moment is waited for, the status is worth it. */
static void test_suspect(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)fork_from(1, 3);
	assert_told("init 1 goproc, task");
	assert_true(listed(true, gvisor_table_mark(table), row(1, 0, "goproc"), zombie(2, 1),
			   zombie(3, 1)));
	assert_told("");
	assert_counts(2, 0, 0);
	(void)ended(2, 768);
	assert_told("exit 2 task=768");
	assert_false(listed(true, gvisor_table_mark(table), row(1, 0, "goproc"), zombie(2, 1),
			    zombie(3, 1)));
	assert_told("exit 3 task last empty");
	/* without events there is nothing to wait for */
	(void)fork_from(1, 4);
	assert_false(listed(false, gvisor_table_mark(table), row(1, 0, "goproc"), zombie(4, 1)));
	assert_told("task, exit 4 task last empty");
}

/* Thought dead by a list, and acts: it lives, and has the role it had. */
static void test_revived(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	(void)listed(false, gvisor_table_mark(table), row(1, 0, "goproc"), zombie(2, 1));
	assert_told("init 1 goproc, task, exit 2 task last empty");
	assert_true(fork_from(2, 3));
	assert_told("task");
	assert_counts(2, 0, 0);
}

static void test_without_a_dump_the_listed_live(void **state)
{
	struct gvisor_member rows[] = {zombie(1, 0), zombie(2, 1)};
	struct gvisor_listing listing = {.members = rows, .count = 2};

	(void)state;
	rows[1].has_threads = true;
	assert_false(gvisor_table_reconcile(table, web, &listing, 0, true));
	assert_counts(1, 0, 0);
	assert_told("init 1 zombie, task");
}

static void test_init_is_not_listed_any_more(void **state)
{
	(void)state;
	(void)start(1);
	(void)fork_from(1, 2);
	assert_told("init 1 goproc, task");
	assert_false(listed_rows(false, gvisor_table_mark(table), NULL, 0));
	assert_true(web->is_gone);
	assert_false(web->init_exit.is_known);
	assert_counts(0, 0, 0);
}

/* The first without a parent is thought to be init; the start event knows better. */
static void test_guessed_init(void **state)
{
	struct gvisor_member first = row(1, 0, "sh"), second = row(2, 0, "goproc");

	(void)state;
	(void)listed(false, 0, first, second);
	assert_told("init 1 sh");
	assert_counts(0, 0, 1);
	(void)start(2);
	assert_told("init 2 goproc");
	assert_counts(0, 0, 1);
	assert_int_equal(gvisor_table_role(table, 1), ROLE_INJECTED);
}

static void test_not_started_yet(void **state)
{
	(void)state;
	assert_false(listed_rows(false, 0, NULL, 0));
	assert_told("");
	assert_int_equal(web->init.pid, 0);
	assert_false(web->is_gone);
}

static void test_many_dead_are_forgotten(void **state)
{
	(void)state;
	(void)start(1);
	for (pid_t pid = 2; pid < 20000; pid++) {
		(void)fork_from(1, pid);
		(void)ended(pid, 0);
	}
	assert_counts(0, 0, 0);
	assert_true(web->task_exits == 19998);
	buf_done(&told);
	told = (struct buf){0};
}

#define with_table(test) cmocka_unit_test_setup_teardown(test, make_table, free_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_table(test_last_exit),
		with_table(test_a_zombie_that_is_told_again_dies_once),
		with_table(test_threads_are_not_counted),
		with_table(test_init_becomes_another_program),
		with_table(test_exec_of_an_init_that_is_asked),
		with_table(test_exec_that_was_missed),
		with_table(test_helpers),
		with_table(test_injected),
		with_table(test_number_used_again),
		with_table(test_another_containers_event),
		with_table(test_neighbours_process),
		with_table(test_end_of_sandbox),
		with_table(test_found),
		with_table(test_parent_with_a_higher_number),
		with_table(test_a_circle_of_parents_ends),
		with_table(test_zombies),
		with_table(test_what_was_missed),
		with_table(test_the_exit_is_believed_not_the_list),
		with_table(test_suspect),
		with_table(test_revived),
		with_table(test_without_a_dump_the_listed_live),
		with_table(test_init_is_not_listed_any_more),
		with_table(test_guessed_init),
		with_table(test_not_started_yet),
		with_table(test_many_dead_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
