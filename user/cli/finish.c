// SPDX-License-Identifier: Apache-2.0
/* `lastout finish`: ends a container's init now, by its policy's way. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "out/reply_text.h"

struct finish {
	struct ask ask; /* first */
	uint32_t status;
	bool has_status;
};

static int take_status(void *target, const char *value, struct error *error)
{
	struct finish *finish = target;
	int err = option_number(value, 0, &finish->status, error);

	if (err || finish->status > 255)
		return error_set(error, -EINVAL, "not a number from 0 to 255");
	finish->has_status = true;
	return 0;
}

static const struct option_row options[] = {
	{"status", 0, "N", "make init exit with this status (by the policy)", take_status},
	ASK_OUTPUT_ROW,
	ASK_SOCKET_ROW,
	{0},
};

static int finish_it(struct finish *finish, struct error *error)
{
	_cleanup_(buf_done) struct buf target = {0};
	_cleanup_(buf_done) struct buf text = {0};
	json_t *outcome;
	char rest[32];
	int err;

	(void)snprintf(rest, sizeof(rest), finish->has_status ? "/finish?status=%u" : "/finish",
		       finish->status);
	ask_put_target(&target, &finish->ask, rest);
	err = ask_json(&finish->ask, "POST", target.data, ASK_LONG, &outcome, error);
	if (err)
		return err;
	if (finish->ask.is_json)
		reply_put_json(&text, outcome);
	else
		reply_put_outcome(&text, outcome);
	json_decref(outcome);
	return ask_print(&text, error);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct finish finish = {0};
	struct error error;
	int status = EXIT_DONE;
	int err;

	if (!options_parse(command, argc, argv, &finish, &status))
		return status;
	err = ask_begin(&finish.ask, &error);
	if (!err)
		err = finish_it(&finish, &error);
	status = err ? ask_failed(command, &finish.ask, err, &error) : EXIT_DONE;
	ask_end(&finish.ask);
	return status;
}

const struct command command_finish = {
	.name = "finish",
	.summary = "end a container's init now; refused while a task lives",
	.about =
		"Ends the init of a container now, without settle, by the way of its policy: asks\n"
		"it, and after the grace makes it. Everything is looked at again before, as ever: a\n"
		"task that lives refuses it. Waits for the end. CONTAINER is an id, a unique\n"
		"beginning of one, or a name. Ctrl-C ends the waiting, not what was begun.",
	.options = options,
	.operand = {"CONTAINER", ask_take_container},
	.run = run_command,
};
