// SPDX-License-Identifier: Apache-2.0
#include "agent/aim.h"

#include <string.h>
#include <unistd.h>

#include "host/pidfd.h"

void aim_init(struct aim *aim)
{
	aim->pidfd = -1;
	aim->ended = NULL;
}

int aim_take(struct aim *aim, pid_t pid, struct error *error)
{
	int fd;

	if (aim->pidfd >= 0)
		return 0;
	fd = pidfd_open_process(pid);
	if (fd < 0)
		return error_set(error, fd, "init cannot be opened: %s", strerror(-fd));
	aim->pidfd = fd;
	return 0;
}

void aim_await(struct aim *aim, struct event_base *base, event_callback_fn on_ended, void *context)
{
	if (aim->pidfd < 0)
		return;
	if (!aim->ended)
		aim->ended = event_new(base, aim->pidfd, EV_READ, on_ended, context);
	if (aim->ended)
		(void)event_add(aim->ended, NULL);
}

int aim_signal(const struct aim *aim, int signal)
{
	return pidfd_signal(aim->pidfd, signal);
}

void aim_drop(struct aim *aim)
{
	if (aim->ended)
		event_free(aim->ended);
	if (aim->pidfd >= 0)
		(void)close(aim->pidfd);
	aim_init(aim);
}
