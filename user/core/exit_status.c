// SPDX-License-Identifier: Apache-2.0
#include "core/exit_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIGNAL_RTMIN 34
#define SIGNAL_RTMAX 64

/* By number; x86-64 and arm64 share them. Literal, because <signal.h> has SIGRTMIN by libc. */
static const char *const names[] = {
	[1] = "HUP",	 [2] = "INT",	[3] = "QUIT",	[4] = "ILL",   [5] = "TRAP",
	[6] = "ABRT",	 [7] = "BUS",	[8] = "FPE",	[9] = "KILL",  [10] = "USR1",
	[11] = "SEGV",	 [12] = "USR2", [13] = "PIPE",	[14] = "ALRM", [15] = "TERM",
	[16] = "STKFLT", [17] = "CHLD", [18] = "CONT",	[19] = "STOP", [20] = "TSTP",
	[21] = "TTIN",	 [22] = "TTOU", [23] = "URG",	[24] = "XCPU", [25] = "XFSZ",
	[26] = "VTALRM", [27] = "PROF", [28] = "WINCH", [29] = "IO",   [30] = "PWR",
	[31] = "SYS",
};

#define NAME_COUNT ((int)(sizeof(names) / sizeof(names[0])))

static const struct {
	const char *name;
	int sig;
} aliases[] = {
	{"IOT", 6}, {"CLD", 17}, {"POLL", 29}, {"RTMIN", SIGNAL_RTMIN}, {"RTMAX", SIGNAL_RTMAX}};

int exit_status_code(int status)
{
	return exit_status_signal(status) ? -1 : status >> 8 & 0xff;
}

int exit_status_signal(int status)
{
	return status & 0x7f;
}

bool exit_status_core(int status)
{
	return exit_status_signal(status) && status & 0x80;
}

void exit_status_text(int status, char *buf, size_t size)
{
	char name[EXIT_STATUS_TEXT_SIZE];
	int sig = exit_status_signal(status), code = exit_status_code(status);

	if (sig) {
		signal_name(sig, name, sizeof(name));
		(void)snprintf(buf, size, "%s%s", name, exit_status_core(status) ? " (core)" : "");
	} else if (code) {
		(void)snprintf(buf, size, "code %d", code);
	} else {
		(void)snprintf(buf, size, "0");
	}
}

void signal_name(int sig, char *buf, size_t size)
{
	if (sig > 0 && sig < NAME_COUNT)
		(void)snprintf(buf, size, "SIG%s", names[sig]);
	else if (sig == SIGNAL_RTMIN)
		(void)snprintf(buf, size, "SIGRTMIN");
	else if (sig > SIGNAL_RTMIN && sig <= SIGNAL_RTMAX)
		(void)snprintf(buf, size, "SIGRTMIN+%d", sig - SIGNAL_RTMIN);
	else
		(void)snprintf(buf, size, "SIG%d", sig);
}

/* A decimal number without sign or space, up to SIGNAL_RTMAX; -EINVAL for anything else. */
static int parse_number(const char *text)
{
	unsigned long number;
	char *rest;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	number = strtoul(text, &rest, 10);
	return *rest || number > SIGNAL_RTMAX ? -EINVAL : (int)number;
}

/* `RTMIN+3`, `RTMAX-1` */
static int parse_realtime(const char *text)
{
	int offset, sig;

	if (strncasecmp(text, "RTMIN+", 6) != 0 && strncasecmp(text, "RTMAX-", 6) != 0)
		return -EINVAL;
	offset = parse_number(text + 6);
	if (offset < 0)
		return -EINVAL;
	sig = text[5] == '+' ? SIGNAL_RTMIN + offset : SIGNAL_RTMAX - offset;
	return sig >= SIGNAL_RTMIN && sig <= SIGNAL_RTMAX ? sig : -EINVAL;
}

int signal_parse(const char *text)
{
	int number;

	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int sig = 1; sig < NAME_COUNT; sig++)
		if (strcasecmp(text, names[sig]) == 0)
			return sig;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(text, aliases[i].name) == 0)
			return aliases[i].sig;
	number = parse_number(text);
	return number > 0 ? number : parse_realtime(text);
}
