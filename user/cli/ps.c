// SPDX-License-Identifier: Apache-2.0
/* `lastout ps`: the containers, as the agent sees them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/screen.h"
#include "out/containers_text.h"
#include "out/reply_text.h"

enum { PS_INTERVAL_MS = 1000 };

struct ps {
	struct ask ask; /* first */
	struct containers_style style;
	bool is_watching;
	bool has_screen; /* the terminal's other one */
};

static int take_output(void *target, const char *value, struct error *error)
{
	struct ps *ps = target;

	if (strcmp(value, "table") != 0 && strcmp(value, "wide") != 0 && strcmp(value, "json") != 0)
		return error_set(error, -EINVAL, "one of table, wide, json");
	ps->ask.is_json = strcmp(value, "json") == 0;
	ps->style.is_wide = strcmp(value, "wide") == 0;
	return 0;
}

static int take_watch(void *target, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	((struct ps *)target)->is_watching = true;
	return 0;
}

static const struct option_row options[] = {
	{"watch", 'w', NULL, "keep it on the screen, as it is now; Ctrl-C ends", take_watch},
	{"output", 'o', "FORMAT", "table, wide or json (table)", take_output},
	ASK_SOCKET_ROW,
	{0},
};

static void put_lines(struct buf *out, const json_t *containers)
{
	const json_t *container;
	size_t i;

	json_array_foreach(containers, i, container)
		reply_put_json(out, container);
}

static void put_table(struct buf *out, const struct ps *ps, const json_t *reply)
{
	containers_put_table(out, &ps->style, json_object_get(reply, "containers"));
	containers_put_losses(out, json_object_get(reply, "losses"));
}

static int list(struct ps *ps, struct buf *out, struct error *error)
{
	json_t *reply, *containers;
	int err = ask_json(&ps->ask, "GET", "/v1/containers", ASK_BRIEF, &reply, error);

	if (err)
		return err;
	containers = json_object_get(reply, "containers");
	if (!json_is_array(containers))
		err = error_set(error, -EBADMSG, "the agent at %s is of another version",
				ps->ask.socket);
	else if (ps->ask.is_json)
		put_lines(out, containers);
	else
		put_table(out, ps, reply);
	json_decref(reply);
	return err;
}

/* Without a terminal one table after the other, for whoever keeps them. */
static int show(struct ps *ps, const struct buf *text, bool is_first, struct error *error)
{
	_cleanup_(buf_done) struct buf out = {0};

	if (text->failed)
		return error_set(error, -ENOMEM, "out of memory");
	if (ps->has_screen) {
		if (is_first)
			screen_enter(&out);
		screen_put(&out, text);
	} else {
		if (!is_first && !ps->ask.is_json)
			buf_putc(&out, '\n');
		buf_append(&out, text->data, text->len);
	}
	return ask_print(&out, error);
}

static void leave_screen(void)
{
	_cleanup_(buf_done) struct buf out = {0};
	struct error error;

	screen_leave(&out);
	(void)ask_print(&out, &error); /* a terminal that is gone needs no tidying */
}

static void put_problem(struct buf *text, const struct error *error)
{
	buf_reset(text);
	escape_text(text, error->text, strlen(error->text));
	buf_putc(text, '\n');
}

static int show_now(struct ps *ps, bool *is_shown, struct error *error)
{
	_cleanup_(buf_done) struct buf text = {0};
	int err = list(ps, &text, error);

	/* An agent that is started anew comes back. */
	if (err && err != -EINTR && ps->has_screen && *is_shown)
		put_problem(&text, error);
	else if (err)
		return err;
	err = show(ps, &text, !*is_shown, error);
	*is_shown = *is_shown || !err;
	return err;
}

/* Ctrl-Z: whoever goes on in the shell has its screen meanwhile. */
static void suspend(struct ps *ps, bool *is_shown)
{
	if (*is_shown)
		leave_screen();
	*is_shown = false;
	ps->ask.signal = 0;
	(void)raise(SIGSTOP);
}

static int keep_showing(struct ps *ps, struct error *error)
{
	bool is_shown = false;
	int err;

	do {
		err = show_now(ps, &is_shown, error);
		if (!err && ps->is_watching)
			(void)ask_pause(&ps->ask, PS_INTERVAL_MS);
		if (ps->ask.signal == SIGTSTP) {
			suspend(ps, &is_shown);
			err = 0;
		}
	} while (!err && ps->is_watching && !ps->ask.signal);
	if (ps->has_screen && is_shown)
		leave_screen();
	return err;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct ps ps = {0};
	struct error error;
	int status = EXIT_DONE;
	int err;

	if (!options_parse(command, argc, argv, &ps, &status))
		return status;
	ps.style.has_colour = ask_has_colour();
	ps.has_screen = ps.is_watching && !ps.ask.is_json && isatty(STDOUT_FILENO);
	err = ask_begin(&ps.ask, &error);
	if (!err && ps.has_screen)
		err = ask_catch(&ps.ask, SIGTSTP, &error);
	if (!err)
		err = keep_showing(&ps, &error);
	/* Ctrl-C is how watching ends, whatever it interrupts. */
	if (err && !(ps.is_watching && ps.ask.signal))
		status = ask_failed(command, &ps.ask, err, &error);
	else
		status = EXIT_DONE;
	ask_end(&ps.ask);
	return status;
}

const struct command command_ps = {
	.name = "ps",
	.summary = "the containers: what lives in them, their state, policy and last exit",
	.about = "Lists the containers as the agent (`lastout run`) sees them now. IDLE is the time\n"
		 "since the last exit, while no task lives; `-` in POLICY: it is watched only.",
	.options = options,
	.run = run_command,
};
