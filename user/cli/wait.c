// SPDX-License-Identifier: Apache-2.0
/* `lastout wait`: until a container's work is over, with the status of its last task. */
#include <errno.h>

#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "core/exit_status.h"
#include "out/reply_text.h"

static const struct option_row options[] = {ASK_OUTPUT_ROW, ASK_SOCKET_ROW, {0}};

/* What a shell makes of a status. */
static int shell_status(int status)
{
	int signal = exit_status_signal(status);

	return signal ? 128 + signal : exit_status_code(status);
}

static int tell(const struct ask *ask, const json_t *end, int *ret_status, struct error *error)
{
	_cleanup_(buf_done) struct buf text = {0};
	int status = reply_status(end);
	struct error unseen;

	*ret_status = status < 0 ? EXIT_STATUS_UNKNOWN : shell_status(status);
	if (ask->is_json)
		reply_put_json(&text, end);
	else
		buf_printf(&text, "%d\n", *ret_status);
	if (status < 0)
		(void)error_set(&unseen, -ENODATA,
				"how the work in %s ended was not seen: taken as %d",
				ask->container, EXIT_STATUS_UNKNOWN);
	if (status < 0)
		complain("wait", unseen.text);
	return ask_print(&text, error);
}

static int await_last_exit(struct ask *ask, int *ret_status, struct error *error)
{
	_cleanup_(buf_done) struct buf target = {0};
	json_t *reply;
	int err;

	ask_put_target(&target, ask, "/wait");
	err = ask_json(ask, "GET", target.data, ASK_LONG, &reply, error);
	if (err)
		return err;
	err = tell(ask, reply, ret_status, error);
	json_decref(reply);
	return err;
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
		err = await_last_exit(&ask, &status, &error);
	if (err)
		status = ask_failed(command, &ask, err, &error);
	ask_end(&ask);
	return status;
}

const struct command command_wait = {
	.name = "wait",
	.summary = "until a container's last task has exited; ends with its status",
	.about =
		"Waits until the last task of a container has exited and, once settle is over, no\n"
		"other was started; or until its init has ended. Prints that task's status and\n"
		"ends with it: 128+N if signal N killed it, 255 if no hook has seen its end. Also right for a container that ended\n"
		"within the last ten minutes. CONTAINER is an id, a unique beginning of one, or a\n"
		"name. Interrupted, it ends with 128 and the number of the signal.",
	.options = options,
	.operand = {"CONTAINER", ask_take_container},
	.run = run_command,
};
