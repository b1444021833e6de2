// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/escape.h"
#include "base/journal.h"
#include "base/log.h"

enum {
	OPTIONS_MAX = 24,
	/* getopt_long's answer for row i of the table; above every letter. */
	OPTIONS_BASE = 256,
	OPTIONS_HELP = OPTIONS_BASE + OPTIONS_MAX,
	OPTIONS_COLUMN = 22,
};

void complain(const char *command, const char *text)
{
	struct buf line = {0};

	if (journal_has(STDERR_FILENO))
		buf_puts(&line, "<3>"); /* an error */
	buf_printf(&line, "lastout%s%s: ", command ? " " : "", command ? command : "");
	/* May quote an argument or a container's own words. */
	escape_text(&line, text, strlen(text));
	buf_putc(&line, '\n');
	if (!line.failed)
		log_write(line.data, line.len);
	buf_done(&line);
}

const struct option_row *command_options(const struct command *command)
{
	return command->options ? command->options : command->make_options();
}

static void print_row(const struct option_row *row)
{
	char left[64];

	if (row->letter)
		(void)snprintf(left, sizeof(left), "-%c, --%s %s", row->letter, row->name,
			       row->value ? row->value : "");
	else
		(void)snprintf(left, sizeof(left), "    --%s %s", row->name,
			       row->value ? row->value : "");
	printf("  %-*s %s\n", OPTIONS_COLUMN, left, row->help);
}

static void print_help(const struct command *command)
{
	const char *operand = command->operand.name;

	printf("Usage: lastout %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", command->name,
	       operand ? " " : "", operand ? operand : "", command->about);
	for (const struct option_row *row = command_options(command); row->name; row++)
		print_row(row);
	printf("  %-*s %s\n", OPTIONS_COLUMN, "-h, --help", "show this and end");
}

struct getopt_tables {
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 4];
};

static void fill_tables(const struct command *command, struct getopt_tables *tables)
{
	char *next = tables->shorts;
	int i = 0;

	memset(tables, 0, sizeof(*tables));
	*next++ = ':'; /* tell a missing value from an unknown option */
	*next++ = 'h';
	for (const struct option_row *row = command_options(command); row->name; row++, i++) {
		tables->longs[i].name = row->name;
		tables->longs[i].has_arg = row->value ? required_argument : no_argument;
		tables->longs[i].val = OPTIONS_BASE + i;
		if (!row->letter)
			continue;
		*next++ = row->letter;
		if (row->value)
			*next++ = ':';
	}
	tables->longs[i].name = "help";
	tables->longs[i].val = OPTIONS_HELP;
}

static const struct option_row *find_row(const struct command *command, int answer)
{
	const struct option_row *row = command_options(command);

	if (answer >= OPTIONS_BASE)
		return row + (answer - OPTIONS_BASE);
	while (row->name && row->letter != answer)
		row++;
	return row;
}

static bool usage_error(const struct command *command, const char *text, int *ret_status)
{
	struct error error;

	(void)error_set(&error, 0, "%s; see: lastout %s --help", text, command->name);
	complain(command->name, error.text);
	*ret_status = EXIT_USAGE;
	return false;
}

static bool take(const struct command *command, const struct option_row *row, void *target,
		 int *ret_status)
{
	struct error error, whole;

	if (row->take(target, optarg, &error) == 0)
		return true;
	(void)error_set(&whole, 0, "--%s %s: %s", row->name, optarg ? optarg : "", error.text);
	complain(command->name, whole.text);
	*ret_status = EXIT_USAGE;
	return false;
}

/* What is left when the options are taken, behind which getopt_long has put it. */
static bool take_operand(const struct command *command, int argc, char **argv, void *target,
			 int *ret_status)
{
	const char *name = command->operand.name;
	struct error error, whole;

	if (name && optind == argc) {
		(void)error_set(&error, 0, "%s is missing", name);
		return usage_error(command, error.text, ret_status);
	}
	if (name && command->operand.take(target, argv[optind++], &error) < 0) {
		(void)error_set(&whole, 0, "%s '%s': %s", name, argv[optind - 1], error.text);
		return usage_error(command, whole.text, ret_status);
	}
	if (optind < argc) {
		(void)error_set(&error, 0, "unexpected argument '%s'", argv[optind]);
		return usage_error(command, error.text, ret_status);
	}
	return true;
}

bool options_parse(const struct command *command, int argc, char **argv, void *target,
		   int *ret_status)
{
	struct getopt_tables tables;
	struct error error;
	int answer;

	fill_tables(command, &tables);
	opterr = 0;
	optind = 1;
	while ((answer = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		if (answer == OPTIONS_HELP || answer == 'h') {
			print_help(command);
			*ret_status = EXIT_DONE;
			return false;
		}
		if (answer == '?' || answer == ':') {
			(void)error_set(&error, 0, "%s '%s'",
					answer == ':' ? "a value is missing for" : "unknown option",
					argv[optind - 1]);
			return usage_error(command, error.text, ret_status);
		}
		if (!take(command, find_row(command, answer), target, ret_status))
			return false;
	}
	return take_operand(command, argc, argv, target, ret_status);
}

int option_duration(const char *value, uint64_t *ret_ns, struct error *error)
{
	int err = duration_parse(value, ret_ns);

	if (err == -ERANGE)
		return error_set(error, err, "that is too long");
	return err ? error_set(error, err, "not a duration; write one like 500ms, 2s or 1m30s") : 0;
}

int option_number(const char *value, uint32_t lowest, uint32_t *ret_number, struct error *error)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number > UINT32_MAX ||
	    number < lowest)
		return error_set(error, -EINVAL, "not a whole number from %u to %u", lowest,
				 UINT32_MAX);
	*ret_number = (uint32_t)number;
	return 0;
}
