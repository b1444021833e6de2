/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.x for a few local clients, on a listening socket that is passed in: one request a
 * connection, every size and time bounded. It knows nothing of what is served.
 * Own code because libevent's evhttp (2.1) cannot refuse a connection by its peer, cannot bound
 * their number, bounds a request's time only between two bytes, and stops reading, and so does not
 * notice that a client is gone, while an answer is awaited.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "http/http_request.h"

enum {
	HTTP_CONNECTIONS_MAX = 64, /* one more is told 503 and closed */
	HTTP_REQUEST_MS = 10000,   /* from the connection to the last byte of its request */
	HTTP_STALL_MS = 30000,	   /* a reply of which nobody takes a byte for so long is dropped */
	HTTP_STREAM_BYTES_MAX = 1 << 20, /* a stream's reader is dropped when more waits for it */
};

struct http_server;

/* One request and its reply. Its callers hold it from on_request to the reply's end, or on_gone. */
struct http_exchange;

/*
 * Must reply, hold, or begin a stream, before it returns. `request` lives as long as `exchange`.
 * Never called from within a function of this header.
 */
typedef void (*http_handler)(void *context, struct http_exchange *exchange,
			     const struct http_request *request);

/*
 * The client went away, or was dropped, or the server ends, before the reply: `exchange` may not be
 * used any more. Called once at most, never from within http_stream_send, and not after http_reply
 * or http_stream_end.
 */
typedef void (*http_gone)(void *context, struct http_exchange *exchange);

struct http_options {
	struct event_base *base;
	bool has_peer_uid; /* of a Unix socket: serve this user only, the others are told 403 */
	uid_t peer_uid;
	http_handler on_request;
	void *context;
	unsigned connections_max; /* 0: HTTP_CONNECTIONS_MAX */
	unsigned request_ms;	  /* 0: HTTP_REQUEST_MS */
};

/*
 * Serves what connects to `listen_fd`, which it takes over unless it fails. 0 or a negative errno.
 * The process must ignore SIGPIPE.
 */
int http_server_new(const struct http_options *options, int listen_fd,
		    struct http_server **ret_server, struct error *error);

/*
 * Ends all connections: replies go out as far as the clients' sockets take them now; whoever is
 * held is told 503, and on_gone is called for it as for each stream. NULL is fine.
 */
void http_server_free(struct http_server *server);

/* The whole reply; the end of the exchange. Also of one that was held. `type` is a media type. */
void http_reply(struct http_exchange *exchange, int status, const char *type, const char *body,
		size_t len);

/* The same with JSON: what is in `json` (an empty one, or one that failed: status 500). */
void http_reply_json(struct http_exchange *exchange, int status, const struct buf *json);

/* The same with `{"error":"TEXT"}`. */
void http_reply_error(struct http_exchange *exchange, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Puts the reply off, for hours if need be. A client that closes its connection, or its sending
 * side of it, is gone.
 */
void http_hold(struct http_exchange *exchange, http_gone on_gone, void *context);

/* Status 200 and lines of JSON from now on, until http_stream_end. Goes as http_hold does. */
void http_stream_begin(struct http_exchange *exchange, http_gone on_gone, void *context);

/* Appends whole lines. Too slow a reader is dropped; that is told by on_gone, a moment later. */
void http_stream_send(struct http_exchange *exchange, const char *lines, size_t len);

void http_stream_end(struct http_exchange *exchange);
