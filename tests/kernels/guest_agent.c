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

void agent_check_end(const struct program *agent, struct box *box, int last_code)
{
	bool is_stubborn = strcmp(box->name, "stubborn") == 0;
	char line[2048] = "";
	const char *last_task;

	if (!check(agent_outcomes(agent, box, line, sizeof(line)) == 1,
		   "%s: not finished exactly once", box->id))
		return;
	if (!check(box_await_end(box), "%s: said to be finished, but lives", box->id))
		return;
	check(is_stubborn ? WIFSIGNALED(box->status) && WTERMSIG(box->status) == SIGKILL :
			    WIFEXITED(box->status) && WEXITSTATUS(box->status) == LIFE_INIT_CODE,
	      "%s: init ended with wait status %d", box->id, box->status);
	check(line_has(line, "how", is_stubborn ? "\"kill\"" : "\"signal\""), "%s: how: %s",
	      box->id, line);
	last_task = strstr(line, "\"last_task\":");
	check(last_task && line_number(last_task, "exit_code", -1) == last_code,
	      "%s: the last task: %s", box->id, line);
}
