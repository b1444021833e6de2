// SPDX-License-Identifier: Apache-2.0
/* `lastout run`, and what it tells of a container. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define CONFIG "/tmp/config.yaml"

/*
 * A guest may stand still for a while where the machine has other work. So nobody is killed for
 * being slow but the one that must be.
 */
static const char policies[] = "version: 1\n"
			       "defaults: {settle: 1s, grace: 20s}\n"
			       "policies:\n"
			       "- {name: stubborn, match: {init: stubborn}, grace: 500ms}\n"
			       "- {name: status, match: {init: [status, spinner]}, status: task}\n"
			       "- {name: manager, match: {init: manager}}\n";

static void write_config(void)
{
	int fd = open(CONFIG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, policies, strlen(policies)) < 0)
		err(1, CONFIG);
	(void)close(fd);
}

void agent_start(struct program *agent, const char *pin)
{
	const char *const argv[] = {LASTOUT, "run",	  "--config", CONFIG, "--log",
				    "json",  "--verbose", "--pin",    pin,    NULL};

	write_config();
	program_start(agent, argv);
	check(program_await(agent, &agent->err, "\"event\":\"ready\"", NULL), "agent: not ready");
}

static const char *id_word(const char *key, const struct box *box, char word[static 64])
{
	(void)snprintf(word, 64, "\"%s\":\"%s\"", key, box->id);
	return word;
}

bool agent_await_working(struct program *agent, const struct box *box)
{
	char word[64];

	return check(program_await(agent, &agent->err, id_word("container", box, word),
				   "\"to\":\"working\""),
		     "%s: not seen to work", box->id);
}

bool agent_await_finished(struct program *agent, const struct box *box)
{
	char word[64];

	return check(program_await(agent, &agent->out, id_word("id", box, word),
				   "\"event\":\"finished\""),
		     "%s: not finished", box->id);
}

unsigned agent_outcomes(const struct program *agent, const struct box *box, char *ret_line,
			size_t size)
{
	char word[64];

	return text_count(&agent->out, id_word("id", box, word), "\"event\":\"finished\"", ret_line,
			  size);
}

/* By the name of its init, which chooses the policy. */
static void check_how(const struct box *box, const char *outcome, int last_code)
{
	int code = LIFE_INIT_CODE;
	const char *how = "\"signal\"";

	if (strcmp(box->name, "stubborn") == 0) {
		check(WIFSIGNALED(box->status) && WTERMSIG(box->status) == SIGKILL &&
			      line_has(outcome, "how", "\"kill\""),
		      "%s: wait status %d, %s", box->id, box->status, outcome);
		return;
	}
	if (strcmp(box->name, "status") == 0 || strcmp(box->name, "spinner") == 0) {
		code = last_code;
		how = "\"status\"";
	}
	check(WIFEXITED(box->status) && WEXITSTATUS(box->status) == code,
	      "%s: init ended with wait status %d, not code %d", box->id, box->status, code);
	check(line_has(outcome, "how", how), "%s: not %s: %s", box->id, how, outcome);
}

void agent_check_end(const struct program *agent, struct box *box, int last_code)
{
	char line[2048] = "";
	const char *last_task;

	if (!check(agent_outcomes(agent, box, line, sizeof(line)) == 1,
		   "%s: not finished exactly once", box->id))
		return;
	if (!check(box_await_end(box), "%s: said to be finished, but lives", box->id))
		return;
	check_how(box, line, last_code);
	last_task = strstr(line, "\"last_task\":");
	check(last_task && line_number(last_task, "exit_code", -1) == last_code,
	      "%s: the last task: %s", box->id, line);
}
