/* SPDX-License-Identifier: Apache-2.0 */
/* A listening TCP socket, at one address and nowhere else. */
#pragma once

#include "base/error.h"

/*
 * Listens at ADDRESS:PORT, a numeric address: `127.0.0.1:9871`, `[::1]:9871`. An IPv6 one takes no IPv4
 * connections: `[::]` is not `0.0.0.0`. 0 and *ret_fd, non-blocking; or a negative errno: -EINVAL if it
 * is no such text, -EADDRINUSE, -EADDRNOTAVAIL, … with the reason in `error`.
 */
int tcp_socket_listen(const char *endpoint, int *ret_fd, struct error *error);
