// SPDX-License-Identifier: Apache-2.0
#include "api/metrics_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "http/http.h"
#include "http/tcp_socket.h"
#include "out/prometheus.h"

/* Scrapers and probes are few; whoever else comes must not take the descriptors. */
enum { METRICS_CONNECTIONS_MAX = 16 };

struct metrics_port {
	struct metrics *metrics;
	struct http_server *server;
	bool is_ready;
};

static void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	http_reply(exchange, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void get_metrics(struct metrics_port *port, struct http_exchange *exchange)
{
	_cleanup_(buf_done) struct buf body = {0};

	metrics_put(port->metrics, &body);
	if (body.failed)
		http_reply_error(exchange, 503, "out of memory");
	else
		http_reply(exchange, 200, PROMETHEUS_MEDIA_TYPE, body.data, body.len);
}

/* Whoever is answered at all knows that the loop turns. */
static void get_health(struct metrics_port *port, struct http_exchange *exchange)
{
	(void)port;
	reply_text(exchange, 200, "ok\n");
}

static void get_readiness(struct metrics_port *port, struct http_exchange *exchange)
{
	(void)port;
	reply_text(exchange, 200, "ready\n");
}

static const struct {
	const char *segment;
	bool needs_ready;
	void (*answer)(struct metrics_port *port, struct http_exchange *exchange);
} routes[] = {
	{"metrics", true, get_metrics},
	{"healthz", false, get_health},
	{"readyz", true, get_readiness},
};

static void on_request(void *context, struct http_exchange *exchange,
		       const struct http_request *request)
{
	struct metrics_port *port = context;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (request->segment_count != 1 ||
		    strcmp(request->segments[0], routes[i].segment) != 0)
			continue;
		if (strcmp(request->method, "GET") != 0)
			http_reply_error(exchange, 405, "only GET is answered here");
		else if (routes[i].needs_ready && !port->is_ready)
			http_reply_error(exchange, 503, "the containers are still being counted");
		else
			routes[i].answer(port, exchange);
		return;
	}
	http_reply_error(exchange, 404, "there are /metrics, /healthz and /readyz here");
}

int metrics_port_new(struct event_base *base, const char *endpoint, struct metrics *metrics,
		     struct metrics_port **ret_port, struct error *error)
{
	struct metrics_port *port = calloc(1, sizeof(*port));
	struct http_options options = {
		.base = base,
		.on_request = on_request,
		.context = port,
		.connections_max = METRICS_CONNECTIONS_MAX,
	};
	_cleanup_close_ int fd = -1;
	int err;

	if (!port)
		return error_set(error, -ENOMEM, "out of memory");
	port->metrics = metrics;
	err = tcp_socket_listen(endpoint, &fd, error);
	if (!err)
		err = http_server_new(&options, fd, &port->server, error);
	if (err) {
		free(port);
		return err;
	}
	(void)STEAL_FD(fd); /* the server's now */
	*ret_port = port;
	return 0;
}

void metrics_port_free(struct metrics_port *port)
{
	if (!port)
		return;
	http_server_free(port->server);
	free(port);
}

void metrics_port_ready(struct metrics_port *port)
{
	if (port)
		port->is_ready = true;
}
