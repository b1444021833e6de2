/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest program: init of a small virtual machine in which lastout is tested on another kernel.
 * It mounts, makes containers without any runtime, starts lastout, and compares what lastout tells
 * with what wait4 does. Statically linked; one thread; whatever cannot go on ends the machine.
 */
#pragma once

#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LASTOUT "/bin/lastout"

enum {
	GUEST_DEADLINE_MS =
		120000, /* for anything that is waited for: emulation is slow, machines are busy */
	/* The descriptors with which a container's init begins. */
	LIFE_GO_FD = 3,	     /* a byte read here is the word to take the next step */
	LIFE_TOLD_FD = 4,    /* a byte written here tells that a step was taken */
	LIFE_INIT_CODE = 21, /* with which an init ends that is asked to */
};

/* --- guest.c: the record of what was checked --- */

/* Counts; prints when `is_true` is not. Returns is_true. */
bool check(bool is_true, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool has_failed(void);
int64_t now_ms(void);

/* --- guest_ground.c: what is mounted --- */

struct ground {
	const char *name;
	const char *containers; /* the directory below which their cgroups are made */
	const char *freezer;	/* the same for v1's freezer; NULL: v2 freezes by itself */
};

extern const struct ground ground_v2, ground_v1, ground_hybrid;

void ground_mount_basics(void);
void ground_mount(const struct ground *ground);
void ground_unmount(const struct ground *ground);
void ground_set_tracefs(bool is_mounted);
/* What the tests ask for: "classic" with tracefs, where the kernel has links for that; else "btf". */
const char *ground_hooks(bool has_tracefs);
/* What lastout takes unasked: "classic" only where the kernel skips runs of BTF hooks. */
const char *ground_better_hooks(bool has_tracefs);
/* From 7.0 on the kernel leaves out a run of a BTF hook now and then; with tracefs a few are left. */
bool ground_is_lossless(void);

/* --- guest_container.c: containers, from outside --- */

struct box {
	const char *id;	  /* its cgroup's name is lastout-demo-ID */
	const char *life; /* see guest_lives.c */
	const char *name; /* argv[0] and name of init */
	bool is_cloned_into;
	pid_t init;
	pid_t entered; /* an injected process, 0: none */
	int go;
	int told;
	int status; /* of init, once it has been waited for */
	bool is_ended;
};

void box_make(struct box *box, const struct ground *ground);
void box_go(const struct box *box);
/* A byte of told. */
bool box_await(const struct box *box);
/* No task of the container holds told any more. */
bool box_await_tasks_end(const struct box *box);
bool box_await_end(struct box *box);
bool box_is_alive(struct box *box);
/* A process from outside, moved or cloned into the container's cgroup. */
void box_enter(struct box *box, const struct ground *ground);
void box_leave(struct box *box);
void box_freeze(const struct box *box, const struct ground *ground, bool is_frozen);
/* Kills what is left of it, and removes the cgroup. */
void box_remove(struct box *box, const struct ground *ground);

/* --- guest_lives.c: containers, from inside --- */

int life_main(const char *life);

/* --- guest_program.c: lastout and its output --- */

struct text {
	int fd; /* -1: at its end */
	char *bytes;
	size_t len;
};

struct program {
	pid_t pid;
	struct text out;
	struct text err;
};

void program_start(struct program *program, const char *const argv[]);
/* The same without a capability. */
void program_start_without(struct program *program, const char *const argv[], int capability);
/* Until a line of `text` has both words (b may be NULL). False: not in time. */
bool program_await(struct program *program, struct text *text, const char *a, const char *b);
/* Sends the signal, reads to the end, and gives the wait status. */
int program_end(struct program *program, int signal);
void program_free(struct program *program);
/* For whoever reads a failure: all that was written. Nothing if no check has failed. */
void program_print_if_failed(const struct program *program);

/* Lines with both words, the first of them in ret_line (NULL: not wanted). */
unsigned text_count(const struct text *text, const char *a, const char *b, char *ret_line,
		    size_t size);
/* The next line from *place on; false at the end. */
bool text_next(const char **place, char *ret_line, size_t size);
/* The number behind "KEY": in a line; `none` if there is no such key, or no number. */
long line_number(const char *line, const char *key, long none);
/* Does "KEY": stand in it, followed by this JSON text? */
bool line_has(const char *line, const char *key, const char *json);

/* --- guest_agent.c: lastout run --- */

/* Its policies: an init that is named manager is finished; so is one named stubborn, which is killed
 * half a second after it was asked; status and spinner are made to exit as their last task did. `pin`: where, or "none". Waits until it is ready. */
void agent_start(struct program *agent, const char *pin);
bool agent_await_working(struct program *agent, const struct box *box);
bool agent_await_finished(struct program *agent, const struct box *box);
/* How many outcomes of it were told, the first of them in ret_line (NULL: not wanted). */
unsigned agent_outcomes(const struct program *agent, const struct box *box, char *ret_line,
			size_t size);
/* Exactly one outcome: init's end as wait4 tells it, and the code of the last task. */
void agent_check_end(const struct program *agent, struct box *box, int last_code);

/* --- what is tested --- */

void test_check(bool has_tracefs);	       /* guest_exits.c */
void test_exits(void);			       /* guest_exits.c */
void test_finish(const struct ground *ground); /* guest_finish.c */
void test_pins(const struct ground *ground);   /* guest_pins.c */
void test_load(const struct ground *ground);   /* guest_load.c */
