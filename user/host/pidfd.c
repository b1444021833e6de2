// SPDX-License-Identifier: Apache-2.0
#include "host/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int pidfd_open_process(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

bool pidfd_has_ended(int pidfd)
{
	struct pollfd readable = {.fd = pidfd, .events = POLLIN};

	return poll(&readable, 1, 0) > 0;
}

bool pidfd_is_dead(pid_t pid)
{
	int fd = pidfd_open_process(pid);
	bool is_dead;

	if (fd < 0)
		return fd == -ESRCH;
	is_dead = pidfd_has_ended(fd);
	(void)close(fd);
	return is_dead;
}

int pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}
