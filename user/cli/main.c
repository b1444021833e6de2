// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/completion.h"

static const struct command *const commands[] = {
	&command_run,		&command_tail,	  &command_ps,	   &command_explain, &command_wait,
	&command_finish,	&command_report,  &command_replay, &command_check,   &command_demo,
	&command_gvisor_config, &command_version,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
	(void)fprintf(out, "Ends the leftover PID 1 of a container whose last task has exited.\n\n"
			   "Usage: lastout COMMAND [OPTIONS]\n\nCommands:\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		(void)fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
	(void)fprintf(out, "\n`lastout COMMAND --help` explains a command. Exit status: 0 done, "
			   "1 failed, 2 wrong usage.\n");
}

int main(int argc, char **argv)
{
	struct error error;

	if (strcmp(argv[0], "goproc") == 0 && argc == 1)
		return demo_init_main();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "completion") == 0)
		return completion_print(commands, COMMAND_COUNT, argv[2]);
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = "version";
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	}
	(void)error_set(&error, 0, "unknown command '%s'; see: lastout --help", argv[1]);
	complain(NULL, error.text);
	return EXIT_USAGE;
}
