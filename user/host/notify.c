// SPDX-License-Identifier: Apache-2.0
#include "host/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *socket_name(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	/* Other kinds (vsock) are for managers of virtual machines. */
	return name && (name[0] == '/' || name[0] == '@') && name[1] ? name : NULL;
}

bool notify_is_wanted(void)
{
	return socket_name() != NULL;
}

int notify_send(const char *state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = socket_name();
	size_t len = name ? strlen(name) : 0;
	_cleanup_close_ int fd = -1;

	if (!name)
		return 0;
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0'; /* of the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return 0;
}

static uint64_t number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long value;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return *end || errno ? 0 : value;
}

uint64_t notify_watchdog_us(void)
{
	/* Meant for one process, and inherited by its children. */
	if (getenv("WATCHDOG_PID") && number("WATCHDOG_PID") != (uint64_t)getpid())
		return 0;
	return number("WATCHDOG_USEC");
}
