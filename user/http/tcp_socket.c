// SPDX-License-Identifier: Apache-2.0
#include "http/tcp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

enum { TCP_SOCKET_BACKLOG = 16 };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool parse_port(const char *text, in_port_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || port < 1 || port > 65535)
		return false;
	*ret_port = htons((uint16_t)port);
	return true;
}

/* Its size; 0: it is none. */
static socklen_t parse(const char *endpoint, union address *ret_address)
{
	const char *colon = strrchr(endpoint, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - endpoint) : 0;
	in_port_t port;

	if (!len || len >= sizeof(host) || !parse_port(colon + 1, &port))
		return 0;
	memcpy(host, endpoint, len);
	host[len] = '\0';
	memset(ret_address, 0, sizeof(*ret_address));
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ret_address->in6.sin6_family = AF_INET6;
		ret_address->in6.sin6_port = port;
		return inet_pton(AF_INET6, host + 1, &ret_address->in6.sin6_addr) == 1 ?
			       sizeof(ret_address->in6) :
			       0;
	}
	ret_address->in.sin_family = AF_INET;
	ret_address->in.sin_port = port;
	return inet_pton(AF_INET, host, &ret_address->in.sin_addr) == 1 ? sizeof(ret_address->in) :
									  0;
}

int tcp_socket_listen(const char *endpoint, int *ret_fd, struct error *error)
{
	_cleanup_close_ int fd = -1;
	union address address;
	socklen_t size = parse(endpoint, &address);
	const int yes = 1;

	if (!size)
		return error_set(error, -EINVAL,
				 "'%.80s' is no ADDRESS:PORT; write one like 127.0.0.1:9871",
				 endpoint);
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* An agent that is started anew need not wait until the last one's connections are forgotten. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    (address.any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0) ||
	    bind(fd, &address.any, size) < 0 || listen(fd, TCP_SOCKET_BACKLOG) < 0)
		return error_set(error, -errno, "cannot listen at %s: %s", endpoint,
				 strerror(errno));
	*ret_fd = STEAL_FD(fd);
	return 0;
}
