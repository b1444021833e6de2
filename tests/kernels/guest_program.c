// SPDX-License-Identifier: Apache-2.0
/* lastout as a child, and what it writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static void make_output(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		err(1, "pipe");
}

/* `capability`: -1 for all. */
static void start(struct program *program, const char *const argv[], int capability)
{
	int out[2], error[2];

	memset(program, 0, sizeof(*program));
	make_output(out);
	make_output(error);
	program->pid = fork();
	if (program->pid < 0)
		err(1, "fork");
	if (program->pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(error[1], STDERR_FILENO);
		if (capability >= 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			err(1, "PR_CAPBSET_DROP");
		(void)execve(argv[0], (char *const *)argv, environ);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(error[1]);
	program->out.fd = out[0];
	program->err.fd = error[0];
}

void program_start(struct program *program, const char *const argv[])
{
	start(program, argv, -1);
}

void program_start_without(struct program *program, const char *const argv[], int capability)
{
	start(program, argv, capability);
}

/* What is there to be read, once. */
static void text_read(struct text *text)
{
	enum { CHUNK = 65536 };
	ssize_t got;

	text->bytes = realloc(text->bytes, text->len + CHUNK + 1);
	if (!text->bytes)
		err(1, "memory");
	got = read(text->fd, text->bytes + text->len, CHUNK);
	if (got > 0) {
		text->len += (size_t)got;
	} else if (got == 0 || errno != EINTR) {
		(void)close(text->fd);
		text->fd = -1;
	}
	text->bytes[text->len] = '\0';
}

/* Reads what comes. False: nothing until the deadline, or both are at their end. */
static bool program_read(struct program *program, int64_t deadline)
{
	struct pollfd fds[] = {{.fd = program->out.fd, .events = POLLIN},
			       {.fd = program->err.fd, .events = POLLIN}};
	int64_t left = deadline - now_ms();

	if (program->out.fd < 0 && program->err.fd < 0)
		return false;
	if (poll(fds, 2, left > 0 ? (int)left : 0) < 1)
		return errno == EINTR && left > 0;
	if (fds[0].revents)
		text_read(&program->out);
	if (fds[1].revents)
		text_read(&program->err);
	return true;
}

bool program_await(struct program *program, struct text *text, const char *a, const char *b)
{
	int64_t deadline = now_ms() + GUEST_DEADLINE_MS;

	while (!text_count(text, a, b, NULL, 0))
		if (!program_read(program, deadline))
			return false;
	return true;
}

int program_end(struct program *program, int signal)
{
	int status = -1;

	(void)kill(program->pid, signal);
	while (program_read(program, now_ms() + GUEST_DEADLINE_MS))
		;
	if (waitpid(program->pid, &status, 0) < 0)
		err(1, "waitpid");
	return status;
}

void program_free(struct program *program)
{
	free(program->out.bytes);
	free(program->err.bytes);
}

static void print_indented(const char *bytes)
{
	char line[1024];

	for (const char *place = bytes; text_next(&place, line, sizeof(line));)
		printf("    %s\n", line);
}

void program_print_if_failed(const struct program *program)
{
	if (!has_failed())
		return;
	print_indented(program->out.bytes);
	print_indented(program->err.bytes);
}

bool text_next(const char **place, char *ret_line, size_t size)
{
	size_t len;

	if (!*place || !**place)
		return false;
	len = strcspn(*place, "\n");
	(void)snprintf(ret_line, size, "%.*s", (int)len, *place);
	*place += len + ((*place)[len] == '\n');
	return true;
}

unsigned text_count(const struct text *text, const char *a, const char *b, char *ret_line,
		    size_t size)
{
	const char *place = text->bytes;
	unsigned count = 0;
	char line[4096];

	while (text_next(&place, line, sizeof(line))) {
		if (!strstr(line, a) || (b && !strstr(line, b)))
			continue;
		if (count++ == 0 && ret_line)
			(void)snprintf(ret_line, size, "%s", line);
	}
	return count;
}

static const char *line_value(const char *line, const char *key)
{
	char quoted[64];
	const char *found;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	found = strstr(line, quoted);
	if (!found)
		return NULL;
	found += strlen(quoted);
	return found + strspn(found, " ");
}

long line_number(const char *line, const char *key, long none)
{
	const char *value = line_value(line, key);

	return value && strchr("-0123456789", *value) ? strtol(value, NULL, 10) : none;
}

bool line_has(const char *line, const char *key, const char *json)
{
	const char *value = line_value(line, key);

	return value && strncmp(value, json, strlen(json)) == 0;
}
