// SPDX-License-Identifier: Apache-2.0
/* `lastout report`: what finishing would give back, or would have given back by now. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "out/report_text.h"

static int take_output(void *target, const char *value, struct error *error)
{
	struct ask *ask = target;

	if (strcmp(value, "table") != 0 && strcmp(value, "json") != 0)
		return error_set(error, -EINVAL, "one of table, json");
	ask->is_json = strcmp(value, "json") == 0;
	return 0;
}

static const struct option_row options[] = {
	{"output", 'o', "FORMAT", "table or json (table)", take_output},
	ASK_SOCKET_ROW,
	{0},
};

static int print(const struct ask *ask, const json_t *leftovers, struct error *error)
{
	const struct containers_style style = {.is_report = true, .has_colour = ask_has_colour()};
	_cleanup_(buf_done) struct buf out = {0};

	if (ask->is_json)
		report_put_json(&out, leftovers);
	else
		report_put_table(&out, &style, leftovers);
	return out.failed ? error_set(error, -ENOMEM, "out of memory") : ask_print(&out, error);
}

static int report(struct ask *ask, struct error *error)
{
	json_t *reply, *containers, *leftovers;
	int err = ask_json(ask, "GET", "/v1/containers", ASK_BRIEF, &reply, error);

	if (err)
		return err;
	containers = json_object_get(reply, "containers");
	leftovers = json_is_array(containers) ? leftovers_of(containers) : NULL;
	if (!json_is_array(containers))
		err = error_set(error, -EBADMSG, "the agent at %s is of another version",
				ask->socket);
	else if (!leftovers)
		err = error_set(error, -ENOMEM, "out of memory");
	else
		err = print(ask, leftovers, error);
	json_decref(leftovers);
	json_decref(reply);
	return err;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct ask ask = {0};
	struct error error;
	int status = EXIT_DONE, err;

	if (!options_parse(command, argc, argv, &ask, &status))
		return status;
	err = ask_begin(&ask, &error);
	if (!err)
		err = report(&ask, &error);
	if (err)
		status = ask_failed(command, &ask, err, &error);
	ask_end(&ask);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "containers that only their process manager is left in, and what they hold",
	.about = "Lists the containers whose work has ended and whose process manager lives on: for\n"
		 "how long, and holding how much memory and requested CPU. Where lastout only\n"
		 "watches, that is what finishing them would give back.",
	.options = options,
	.run = run_command,
};
