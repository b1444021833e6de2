/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments a program was started with, and the program that they name: for an interpreter, the
 * script or module. Pure. All zeroes is one that is not readable yet. A process can overwrite its own
 * arguments; what was captured at its exec is better than what /proc shows later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/answer.h"

enum { COMMAND_LINE_SIZE = 256 };

struct command_line {
	enum answer answer; /* ANSWER_NONE: started without arguments, not even a name */
	bool is_cut;	    /* there was more: the last argument here is not whole */
	uint16_t size;
	char bytes[COMMAND_LINE_SIZE +
		   1]; /* arguments, each ended by NUL; ended by one in any case */
};

/* Takes the beginning of `bytes`, as execve and /proc/PID/cmdline have them. Size 0: there are none. */
void command_line_set(struct command_line *line, const char *bytes, size_t size);

/* Adds an argument at the end: for arguments that come as a list. */
void command_line_add(struct command_line *line, const char *argument);

/* The argument of this number, 0 for the program's own; NULL: there is none, or it was cut. */
const char *command_line_argument(const struct command_line *line, unsigned number);

/* The base name of argument 0; "" if there is none. */
const char *command_line_base_name(const struct command_line *line);

/* The part of a path after its last slash. */
const char *command_line_last_part(const char *path);

enum interpreter {
	INTERPRETER_NONE,
	INTERPRETER_SHELL,
	INTERPRETER_LANGUAGE, /* Python, Node, Perl and the like */
};

/* Whether a program of this name runs other people's scripts. */
enum interpreter command_line_interpreter(const char *name);

/*
 * The program's name: the base name of argument 0 or, for an interpreter, that of its script
 * (`python3 -u /app/train.py`: train.py) or the name of its module (`python3 -m http.server`). "" if
 * there is none: an interpreter with code on its command line or on its standard input, one whose
 * script's name was cut, or a line that is not readable.
 */
const char *command_line_program(const struct command_line *line);

/* Whether the program has a name that is not readable: none of the line is, or the name was cut off. */
bool command_line_is_unread(const struct command_line *line);
