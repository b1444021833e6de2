// SPDX-License-Identifier: Apache-2.0
/* `lastout gvisor-config`: the configuration by which gVisor's sandboxes tell the agent all from the start. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "cli/commands.h"
#include "gvisor/request.h"

struct settings {
	const char *socket;
};

static int take_socket(void *target, const char *value, struct error *error)
{
	struct settings *settings = target;

	if (value[0] != '/')
		return error_set(error, -EINVAL,
				 "must be an absolute path: runsc has another "
				 "working directory");
	if (strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_set(error, -ENAMETOOLONG, "too long for the path of a socket");
	settings->socket = value;
	return 0;
}

static const struct option_row options[] = {
	{"socket", 0, "PATH", "where the agent listens; default /run/lastout/gvisor.sock",
	 take_socket},
	{0},
};

static int run(const struct command *command, int argc, char **argv)
{
	struct settings settings = {.socket = "/run/lastout/gvisor.sock"};
	struct buf out = {0};
	int status = EXIT_DONE;

	if (!options_parse(command, argc, argv, &settings, &status))
		return status;
	gvisor_request_pod_init(&out, settings.socket);
	if (out.failed || printf("%s\n", out.data) < 0 || fflush(stdout) != 0)
		status = EXIT_FAILED;
	buf_done(&out);
	return status;
}

const struct command command_gvisor_config = {
	.name = "gvisor-config",
	.summary = "what makes gVisor's sandboxes tell all from their start",
	.about =
		"Prints a configuration for runsc's --pod-init-config. Sandboxes that are started with "
		"it tell\nthe agent of their processes from the first instruction on. Without it they "
		"are found and\nasked a few milliseconds later. docs/gvisor.md tells how to set it up.",
	.options = options,
	.run = run,
};
