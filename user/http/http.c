// SPDX-License-Identifier: Apache-2.0
#include "http/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "http/http_response.h"

enum {
	/* After a reply: for a client that still sends, so that its kernel does not take back what
	 * it has not read yet. */
	HTTP_LINGER_MS = 2000,
	/* What accept(2) fails of (no descriptors, no memory) takes a while to pass. */
	HTTP_ACCEPT_PAUSE_MS = 1000,
};

enum phase {
	PHASE_READING,	 /* the request is not complete */
	PHASE_HANDLING,	 /* its handler runs, and has not said yet what it wants */
	PHASE_HELD,	 /* the reply will come */
	PHASE_STREAMING, /* some of it came */
	PHASE_DOOMED,	 /* held or streaming, and to be dropped at once */
	PHASE_REPLYING,	 /* all of it waits to be taken */
	PHASE_LINGERING, /* it was taken */
};

struct http_exchange {
	struct http_server *server;
	struct bufferevent *bev;
	struct event *timer;
	enum phase phase;
	bool has_read_all; /* the client will send no more */
	struct http_request request;
	http_gone on_gone;
	void *gone_context;
	LIST_ENTRY(http_exchange) link;
};

struct http_server {
	struct http_options options;
	struct evconnlistener *listener;
	struct event *pause;
	LIST_HEAD(, http_exchange) exchanges;
	unsigned count;
};

static void set_timer(struct event *timer, unsigned ms)
{
	struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(timer, &after); /* fails for want of memory, and then ends nothing early */
}

/* Frees an exchange; whoever waits for its client is told before. */
static void exchange_end(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;
	http_gone on_gone = exchange->on_gone;

	exchange->on_gone = NULL;
	if (on_gone)
		on_gone(exchange->gone_context, exchange);
	LIST_REMOVE(exchange, link);
	server->count--;
	http_request_done(&exchange->request);
	if (exchange->timer)
		event_free(exchange->timer);
	if (exchange->bev)
		bufferevent_free(exchange->bev);
	free(exchange);
}

/* The other end of the connection is not to see it as reset before it has read all. */
static void linger(struct http_exchange *exchange)
{
	exchange->phase = PHASE_LINGERING;
	(void)shutdown(bufferevent_getfd(exchange->bev), SHUT_WR);
	/* Not freed here: a reply may be given in the middle of anything. */
	set_timer(exchange->timer, exchange->has_read_all ? 0 : HTTP_LINGER_MS);
}

/* Everything that there is to say has been said. */
static void close_when_taken(struct http_exchange *exchange)
{
	struct timeval stall = {HTTP_STALL_MS / 1000, 0};

	exchange->on_gone = NULL;
	exchange->phase = PHASE_REPLYING;
	(void)event_del(exchange->timer);
	if (evbuffer_get_length(bufferevent_get_output(exchange->bev)) == 0)
		linger(exchange);
	else
		(void)bufferevent_set_timeouts(exchange->bev, NULL, &stall);
}

void http_reply(struct http_exchange *exchange, int status, const char *type, const char *body,
		size_t len)
{
	struct evbuffer *out = bufferevent_get_output(exchange->bev);

	if (exchange->phase == PHASE_DOOMED) {
		exchange->on_gone = NULL;
		return;
	}
	http_response_put(out, status, type, body, len);
	close_when_taken(exchange);
}

void http_reply_json(struct http_exchange *exchange, int status, const struct buf *json)
{
	if (json->failed || !json->data)
		http_reply_error(exchange, 500, "out of memory");
	else
		http_reply(exchange, status, "application/json", json->data, json->len);
}

void http_reply_error(struct http_exchange *exchange, int status, const char *format, ...)
{
	struct error error;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error.text, sizeof(error.text), format, args); /* cut is fine */
	va_end(args);
	if (exchange->phase == PHASE_DOOMED) {
		exchange->on_gone = NULL;
		return;
	}
	http_response_put_error(bufferevent_get_output(exchange->bev), status, error.text);
	close_when_taken(exchange);
}

void http_hold(struct http_exchange *exchange, http_gone on_gone, void *context)
{
	exchange->phase = PHASE_HELD;
	exchange->on_gone = on_gone;
	exchange->gone_context = context;
}

void http_stream_begin(struct http_exchange *exchange, http_gone on_gone, void *context)
{
	struct evbuffer *out = bufferevent_get_output(exchange->bev);

	http_hold(exchange, on_gone, context);
	exchange->phase = PHASE_STREAMING;
	http_response_put_head(out, 200, "application/x-ndjson");
	(void)evbuffer_add(out, "\r\n", 2);
}

void http_stream_send(struct http_exchange *exchange, const char *lines, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(exchange->bev);

	if (exchange->phase != PHASE_STREAMING)
		return;
	if (evbuffer_get_length(out) + len <= HTTP_STREAM_BYTES_MAX &&
	    evbuffer_add(out, lines, len) == 0)
		return;
	/* Its holder may be in the middle of a walk over all streams. */
	exchange->phase = PHASE_DOOMED;
	set_timer(exchange->timer, 0);
}

void http_stream_end(struct http_exchange *exchange)
{
	if (exchange->phase == PHASE_DOOMED)
		exchange->on_gone = NULL;
	else
		close_when_taken(exchange);
}

static void handle(struct http_exchange *exchange)
{
	const struct http_options *options = &exchange->server->options;

	exchange->phase = PHASE_HANDLING;
	(void)event_del(exchange->timer);
	options->on_request(options->context, exchange, &exchange->request);
	if (exchange->phase == PHASE_HANDLING)
		http_reply_error(exchange, 500, "nobody answered");
}

static void on_readable(struct bufferevent *bev, void *context)
{
	struct http_exchange *exchange = context;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	struct error error;
	int status;

	if (exchange->phase == PHASE_READING) {
		/* All of it fits into the few kilobytes that the bufferevent reads ahead. */
		status = http_request_parse((const char *)evbuffer_pullup(in, -1), len,
					    &exchange->request, &error);
		if (status == 0)
			return;
		if (status == 200)
			handle(exchange);
		else
			http_reply_error(exchange, status, "%s", error.text);
	}
	/* Read on, though not for what comes: for the end. */
	(void)evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_taken(struct bufferevent *bev, void *context)
{
	struct http_exchange *exchange = context;

	(void)bev;
	if (exchange->phase == PHASE_REPLYING)
		linger(exchange);
}

static void on_end(struct bufferevent *bev, short what, void *context)
{
	struct http_exchange *exchange = context;

	(void)bev;
	/* It only shut its sending side down, perhaps, and wants to read. */
	if (what & BEV_EVENT_EOF && exchange->phase == PHASE_REPLYING)
		exchange->has_read_all = true;
	else
		exchange_end(exchange);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct http_exchange *exchange = context;

	(void)fd;
	(void)what;
	if (exchange->phase == PHASE_READING)
		http_reply_error(exchange, 408, "the request was not complete after %u ms",
				 exchange->server->options.request_ms);
	else
		exchange_end(exchange);
}

/* Takes `fd` over, also if there is no memory. */
static void exchange_begin(struct http_server *server, evutil_socket_t fd)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));
	struct event_base *base = server->options.base;

	if (!exchange) {
		(void)evutil_closesocket(fd);
		return;
	}
	exchange->server = server;
	LIST_INSERT_HEAD(&server->exchanges, exchange, link);
	server->count++;
	exchange->timer = event_new(base, -1, 0, on_timer, exchange);
	exchange->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!exchange->bev)
		(void)evutil_closesocket(fd);
	if (!exchange->bev || !exchange->timer) {
		exchange_end(exchange);
		return;
	}
	bufferevent_setcb(exchange->bev, on_readable, on_taken, on_end, exchange);
	bufferevent_setwatermark(exchange->bev, EV_READ, 0,
				 HTTP_HEAD_BYTES_MAX + HTTP_BODY_BYTES_MAX);
	set_timer(exchange->timer, server->options.request_ms);
	(void)bufferevent_enable(exchange->bev, EV_READ | EV_WRITE);
}

static bool is_permitted(const struct http_server *server, evutil_socket_t fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!server->options.has_peer_uid)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == server->options.peer_uid;
}

/* Tells it why, without waiting for its request or for anything else. */
static void turn_away(evutil_socket_t fd, int status, const char *why)
{
	struct evbuffer *out = evbuffer_new();

	if (out) {
		http_response_put_error(out, status, why);
		(void)evbuffer_write(out, fd);
		evbuffer_free(out);
	}
	(void)evutil_closesocket(fd);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int size, void *context)
{
	struct http_server *server = context;

	(void)listener;
	(void)address;
	(void)size;
	if (!is_permitted(server, fd))
		turn_away(fd, 403, "this socket needs root");
	else if (server->count >= server->options.connections_max)
		turn_away(fd, 503, "too many connections");
	else
		exchange_begin(server, fd);
}

/* Trying again at once would be a loop without an end. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	struct http_server *server = context;

	(void)evconnlistener_disable(listener);
	set_timer(server->pause, HTTP_ACCEPT_PAUSE_MS);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(server->listener);
}

int http_server_new(const struct http_options *options, int listen_fd,
		    struct http_server **ret_server, struct error *error)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server) {
		server->options = *options;
		if (!options->connections_max)
			server->options.connections_max = HTTP_CONNECTIONS_MAX;
		if (!options->request_ms)
			server->options.request_ms = HTTP_REQUEST_MS;
		server->pause = event_new(options->base, -1, 0, on_pause_over, server);
	}
	if (server && server->pause)
		server->listener = evconnlistener_new(options->base, on_connection, server,
						      LEV_OPT_CLOSE_ON_EXEC, 0, listen_fd);
	if (!server || !server->listener) {
		http_server_free(server);
		return error_set(error, -ENOMEM, "cannot serve a socket: out of memory");
	}
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	*ret_server = server;
	return 0;
}

/* What the client's socket takes at once. */
static void flush(struct http_exchange *exchange)
{
	struct evbuffer *out = bufferevent_get_output(exchange->bev);

	(void)evbuffer_unfreeze(out, 1);
	(void)evbuffer_write(out, bufferevent_getfd(exchange->bev));
}

static void end_for_good(struct http_exchange *exchange)
{
	http_gone on_gone = exchange->on_gone;

	exchange->on_gone = NULL;
	if (on_gone)
		on_gone(exchange->gone_context, exchange);
	if (exchange->phase == PHASE_HELD)
		http_reply_error(exchange, 503, "the server is ending");
	flush(exchange);
	exchange_end(exchange);
}

void http_server_free(struct http_server *server)
{
	struct http_exchange *next;

	if (!server)
		return;
	for (struct http_exchange *each = LIST_FIRST(&server->exchanges); each; each = next) {
		next = LIST_NEXT(each, link);
		end_for_good(each);
	}
	if (server->listener) {
		(void)evutil_closesocket(evconnlistener_get_fd(server->listener));
		evconnlistener_free(server->listener);
	}
	if (server->pause)
		event_free(server->pause);
	free(server);
}
