/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the commands that ask the agent: its socket, what they print, and Ctrl-C. */
#pragma once

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/options.h"

/* First member of what such a command parses its options into: the rows below expect that. */
struct ask {
	const char *socket;    /* NULL: the usual one */
	const char *container; /* by id, unique id prefix, or name */
	bool is_json;
	sigset_t signals; /* SIGINT and SIGTERM, and what ask_catch added */
	int signal_fd;
	int signal; /* the one that ended it; 0: none */
};

int ask_take_socket(void *target, const char *value, struct error *error);
int ask_take_output(void *target, const char *value, struct error *error);
int ask_take_container(void *target, const char *value, struct error *error);

#define ASK_SOCKET_ROW                                                                             \
	{                                                                                          \
		"socket", 0, "PATH", "where the agent listens (" AGENT_SOCKET ")", ask_take_socket \
	}
#define ASK_OUTPUT_ROW                                                          \
	{                                                                       \
		"output", 'o', "FORMAT", "text or json (text)", ask_take_output \
	}

/* From here on signals end what is waited for, and not the program. 0 or a negative errno. */
int ask_begin(struct ask *ask, struct error *error);
void ask_end(struct ask *ask);

/* One more signal of that kind. */
int ask_catch(struct ask *ask, int signal, struct error *error);

enum ask_patience {
	ASK_BRIEF, /* an agent that says nothing for long has a problem */
	ASK_LONG,  /* it answers when there is something to tell */
};

/* `/v1/containers/CONTAINER` and `rest`, encoded. */
void ask_put_target(struct buf *target, const struct ask *ask, const char *rest);

/*
 * The reply's JSON, to be freed with json_decref. Else a negative errno, with the agent's own words
 * in `error` if it refused; -EINTR after a signal, which is then in `ask`.
 */
int ask_json(struct ask *ask, const char *method, const char *target, enum ask_patience patience,
	     json_t **ret_reply, struct error *error);

/* Waits for so long. True: a signal came. */
bool ask_pause(struct ask *ask, unsigned ms);

/* Writes it to stdout and flushes. 0 or a negative errno. */
int ask_print(const struct buf *text, struct error *error);

/*
 * Says what went wrong, unless a signal did or the reader of stdout is gone. Gives the exit status:
 * 1; after a signal 128 and its number, as nothing is done; 0 for the reader, who had enough.
 */
int ask_failed(const struct command *command, const struct ask *ask, int err,
	       const struct error *error);

/* Whether colour is wanted: stdout is a terminal, and NO_COLOR not set. */
bool ask_has_colour(void);
