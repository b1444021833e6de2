// SPDX-License-Identifier: Apache-2.0
/* `lastout replay`: what would have been done. Needs no root, and waits for nothing. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/run_options.h"
#include "replay/replay.h"

/* The options of `run` that make policies; the same rows, so that they stay the same. */
static const char *const policy_options[] = {"config", "init",	 "settle", "restart-settle",
					     "grace",  "signal", "status", NULL};

enum { REPLAY_OPTIONS_MAX = 8, REPLAY_FLUSH_BYTES = 1 << 16 };

struct replay_command {
	struct run_options run; /* first: the rows of `run` fill it in */
	const char *path;
	bool is_json;
	bool is_broken; /* stdout takes no more */
	struct buf lines;
};

_Static_assert(offsetof(struct replay_command, run) == 0,
	       "its address is the target of run's rows");

static int take_output(void *target, const char *value, struct error *error)
{
	struct replay_command *command = target;

	if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
		return error_set(error, -EINVAL, "either text or json");
	command->is_json = strcmp(value, "json") == 0;
	return 0;
}

static int take_file(void *target, const char *value, struct error *error)
{
	(void)error;
	((struct replay_command *)target)->path = value;
	return 0;
}

static const struct option_row *make_options(void)
{
	static struct option_row rows[REPLAY_OPTIONS_MAX + 1];
	struct option_row *next = rows;

	*next++ = (struct option_row){"output", 'o', "FORMAT", "text or json (text)", take_output};
	for (const char *const *name = policy_options; *name; name++)
		for (const struct option_row *row = run_option_rows; row->name; row++)
			if (strcmp(row->name, *name) == 0)
				*next++ = *row;
	*next = (struct option_row){0};
	return rows;
}

/* --- output --- */

static void flush(struct replay_command *command)
{
	struct buf *lines = &command->lines;

	if (lines->len && !command->is_broken)
		command->is_broken = lines->failed ||
				     fwrite(lines->data, 1, lines->len, stdout) < lines->len ||
				     fflush(stdout) != 0;
	buf_reset(lines);
}

static void on_line(void *context, const struct replay_line *line)
{
	struct replay_command *command = context;

	if (command->is_json)
		replay_line_json(&command->lines, line);
	else
		replay_line_text(&command->lines, line);
	if (command->lines.len > REPLAY_FLUSH_BYTES)
		flush(command);
}

static unsigned long long number(uint64_t value)
{
	return value;
}

/* What makes the answer less than certain is said, not passed over. */
static void print_totals(const struct replay_totals *totals)
{
	char back[DURATION_TEXT_SIZE];

	if (totals->strange)
		(void)fprintf(stderr,
			      "%llu lines not understood, the first of them line %llu: %s%s\n",
			      number(totals->strange), number(totals->strange_number),
			      totals->strange_reason,
			      totals->is_cut ? "; the last line is cut off" : "");
	duration_format(totals->backwards_ns, back, sizeof(back));
	if (totals->backwards)
		(void)fprintf(stderr,
			      "%llu lines are older than one before them, by up to %s: taken as of "
			      "the same moment; sort puts lines into their order\n",
			      number(totals->backwards), back);
	if (totals->dropped)
		(void)fprintf(stderr, "%llu lines passed over: of more than %d containers\n",
			      number(totals->dropped), REPLAY_CONTAINERS_MAX);
	if (totals->untold)
		(void)fprintf(
			stderr,
			"%u containers of which only outcomes tell: record the log, too, with "
			"run --log json --verbose\n",
			totals->untold);
	(void)fprintf(
		stderr,
		"%llu lines, %llu of them of %u containers; an init would be asked to end %llu "
		"times\n",
		number(totals->lines), number(totals->events), totals->containers,
		number(totals->asked));
}

/* --- the file --- */

/* It is read twice, which a pipe cannot be. */
static int open_file(const char *path, FILE **ret_file, struct error *error)
{
	FILE *file = fopen(path, "re");
	struct stat stat;

	if (!file)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fileno(file), &stat) < 0 || !S_ISREG(stat.st_mode)) {
		(void)fclose(file);
		return error_set(error, -EINVAL, "%s: not a file, which can be read twice", path);
	}
	*ret_file = file;
	return 0;
}

static int play(struct replay_command *command, struct config *config, struct error *error)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct replay_options options = {
		.policies = &config->policies,
		.say = on_line,
		.context = command,
	};
	struct replay_totals totals = {0};
	int err = run_options_load(&command->run, config, error);

	if (!err)
		err = open_file(command->path, &file, error);
	if (err)
		return err;
	options.file = file;
	err = replay_run(&options, &totals, error);
	flush(command);
	if (err)
		return err;
	print_totals(&totals);
	if (command->is_broken)
		return error_set(error, -EIO, "the output could not be written");
	if (totals.lines && totals.strange == totals.lines)
		return error_set(error, -EINVAL, "%s: not a line of it is a recording's",
				 command->path);
	return 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct replay_command replay = {0};
	struct config config = {0};
	struct error error;
	int status = EXIT_DONE;

	if (run_options_init(&replay.run) < 0) {
		complain(command->name, "out of memory");
		return EXIT_FAILED;
	}
	if (options_parse(command, argc, argv, &replay, &status)) {
		status = EXIT_DONE;
		if (play(&replay, &config, &error) < 0) {
			complain(command->name, error.text);
			status = EXIT_FAILED;
		}
	}
	config_done(&config);
	run_options_done(&replay.run);
	buf_done(&replay.lines);
	return status;
}

const struct command command_replay = {
	.name = "replay",
	.summary = "what would have been done: a recording played through a configuration",
	.about = "Reads what `tail -o json` or `run --log json --verbose` (stderr and stdout) has\n"
		 "written, plays it through the policies, and prints what an agent with them\n"
		 "would have done, and when. Needs no root, waits for nothing, touches nothing.",
	.make_options = make_options,
	.operand = {"FILE", take_file},
	.run = run_command,
};
