// SPDX-License-Identifier: Apache-2.0
#include "cli/version.h"

#include <stdio.h>

#include "cli/commands.h"
#include "kernel/bpf.h"

#ifndef LASTOUT_VERSION
#define LASTOUT_VERSION "unknown"
#define LASTOUT_BUILD	"unknown"
#endif

const char version_number[] = LASTOUT_VERSION;
const char version_build[] = LASTOUT_BUILD;

static const struct option_row options[] = {{0}};

static int run(const struct command *command, int argc, char **argv)
{
	int status = EXIT_DONE;

	if (!options_parse(command, argc, argv, NULL, &status))
		return status;
	printf("lastout %s (libbpf %s, build %s)\n", version_number, bpf_source_library(),
	       version_build);
	return EXIT_DONE;
}

const struct command command_version = {
	.name = "version",
	.summary = "version, libbpf, build",
	.about = "Prints the version of lastout, that of its libbpf, and what it was built from.",
	.options = options,
	.run = run,
};
