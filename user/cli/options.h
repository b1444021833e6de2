/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a table: parsed, explained by --help, complained about, all from the same rows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Exit statuses of the whole tool. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

/* Where `run` listens, and the commands that ask it look. */
#define AGENT_SOCKET "/run/lastout/lastout.sock"

struct option_row {
	const char *name;  /* long, without dashes; NULL ends the table */
	char letter;	   /* 0: none */
	const char *value; /* what --help calls the value; NULL: the option takes none */
	const char *help;
	/*
	 * Takes the value (NULL if there is none) into `target`. 0, or a negative errno with the
	 * reason in `error`: a half sentence behind "--name VALUE: ".
	 */
	int (*take)(void *target, const char *value, struct error *error);
};

struct command {
	const char *name;
	const char *summary; /* one line for `lastout --help` */
	const char *about;   /* a few lines for its own --help */
	const struct option_row *options;
	/* Where options is NULL: gives them, put together from another command's. Never fails. */
	const struct option_row *(*make_options)(void);
	/* The one argument that is no option and must be given; all NULL: there is none. */
	struct {
		const char *name; /* what --help calls it */
		int (*take)(void *target, const char *value, struct error *error); /* as above */
	} operand;
	int (*run)(const struct command *command, int argc, char **argv);
};

/* The rows of its options, however it has them. */
const struct option_row *command_options(const struct command *command);

/*
 * Parses everything into `target`. True: go on. False: *ret_status is what to exit with, and
 * whatever there was to say (help, an error) has been said.
 */
bool options_parse(const struct command *command, int argc, char **argv, void *target,
		   int *ret_status);

/* Prints `lastout COMMAND: TEXT` on stderr, escaped. */
void complain(const char *command, const char *text);

/* Values that several tables take. */
int option_duration(const char *value, uint64_t *ret_ns, struct error *error);
int option_number(const char *value, uint32_t lowest, uint32_t *ret_number, struct error *error);
