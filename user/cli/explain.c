// SPDX-License-Identifier: Apache-2.0
/* `lastout explain`: what the agent sees in one container, and what it would do, and why. */
#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "out/explain_text.h"
#include "out/reply_text.h"

static const struct option_row options[] = {ASK_OUTPUT_ROW, ASK_SOCKET_ROW, {0}};

static int explain(struct ask *ask, struct error *error)
{
	_cleanup_(buf_done) struct buf target = {0};
	_cleanup_(buf_done) struct buf text = {0};
	json_t *reply;
	int err;

	ask_put_target(&target, ask, "");
	err = ask_json(ask, "GET", target.data, ASK_BRIEF, &reply, error);
	if (err)
		return err;
	if (ask->is_json)
		reply_put_json(&text, reply);
	else
		explain_put(&text, ask_has_colour(), reply);
	json_decref(reply);
	return ask_print(&text, error);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct ask ask = {0};
	struct error error;
	int status = EXIT_DONE;
	int err;

	if (!options_parse(command, argc, argv, &ask, &status))
		return status;
	err = ask_begin(&ask, &error);
	if (!err)
		err = explain(&ask, &error);
	status = err ? ask_failed(command, &ask, err, &error) : EXIT_DONE;
	ask_end(&ask);
	return status;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "what lives in a container, which policy counts, what happens next",
	.about = "Shows what the agent sees in a container now: its processes, each policy and why\n"
		 "it counts or not, each guard that must agree before a signal, and what it would\n"
		 "do next, and when. CONTAINER is an id, a unique beginning of one, or a name.",
	.options = options,
	.operand = {"CONTAINER", ask_take_container},
	.run = run_command,
};
