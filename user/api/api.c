// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "agent/everybody.h"
#include "api/about.h"
#include "api/explain.h"
#include "api/history.h"
#include "api/lookup.h"
#include "api/waiting.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http/http.h"
#include "http/unix_socket.h"

/* Somebody who has ordered an end, or listens to all events. */
struct listener {
	struct api *api;
	struct http_exchange *exchange;
	uint64_t cgroup; /* of the container that ends; 0: all events */
	struct listener *next, *prev;
};

struct api {
	const struct follower_shared *shared;
	const char *version;
	struct unix_socket socket;
	struct http_server *server;
	struct waiting *waiting;
	struct history history;
	struct listener *listeners;
};

static int http_status(int err)
{
	switch (err) {
	case -ENOENT:
	case -ESRCH:
		return 404;
	case -ENOMEM:
		return 503;
	default:
		return 409;
	}
}

/* --- listeners --- */

static void remove_listener(struct listener *listener)
{
	DL_DELETE(listener->api->listeners, listener);
	free(listener);
}

static void on_listener_gone(void *context, struct http_exchange *exchange)
{
	(void)exchange;
	remove_listener(context);
}

static struct listener *add_listener(struct api *api, struct http_exchange *exchange,
				     uint64_t cgroup)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		http_reply_error(exchange, 503, "out of memory");
		return NULL;
	}
	listener->api = api;
	listener->exchange = exchange;
	listener->cgroup = cgroup;
	DL_APPEND(api->listeners, listener);
	return listener;
}

static void send_event(struct api *api, const struct buf *line)
{
	struct listener *listener, *next;

	if (line->failed)
		return;
	DL_FOREACH_SAFE(api->listeners, listener, next) {
		if (!listener->cgroup)
			http_stream_send(listener->exchange, line->data, line->len);
	}
}

/* Answers those who have ordered this container's end. */
static void reply_ordered(struct api *api, uint64_t cgroup, int status, const struct buf *body)
{
	struct listener *listener, *next;

	DL_FOREACH_SAFE(api->listeners, listener, next) {
		if (listener->cgroup != cgroup)
			continue;
		http_reply_json(listener->exchange, status, body);
		remove_listener(listener);
	}
}

void api_outcome(struct api *api, const struct outcome *outcome)
{
	_cleanup_(buf_done) struct buf line = {0};

	event_json_outcome(&line, outcome);
	send_event(api, &line);
	reply_ordered(api, outcome->container->cgroup, 200, &line);
}

void api_state(struct api *api, const struct container *container, enum lifecycle_state state)
{
	_cleanup_(buf_done) struct buf line = {0};

	event_json_state(&line, clock_boot_ns(), container, lifecycle_state_name(state));
	send_event(api, &line);
	waiting_look(api->waiting, container);
}

void api_refused(struct api *api, const struct container *container, const char *reason)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct json json;
	struct error error;

	(void)error_set(&error, 0, "%s is not finished: %s", container_name(container), reason);
	json_init(&json, &body);
	json_object_begin(&json, NULL);
	json_string(&json, "error", error.text);
	json_object_end(&json);
	reply_ordered(api, container->cgroup, 409, &body);
}

void api_removed(struct api *api, const struct container *container)
{
	_cleanup_(buf_done) struct buf body = {0};

	history_add(&api->history, container, clock_boot_ns());
	buf_puts(&body, "{\"error\":\"the container is gone\"}\n");
	reply_ordered(api, container->cgroup, 404, &body);
}

/* --- the answers --- */

struct route {
	struct api *api;
	struct http_exchange *exchange;
	const struct http_request *request;
	struct container *container; /* NULL where the path names none */
};

struct listing {
	struct json json;
	struct api *api;
};

static void put_one(void *context, struct container *container)
{
	struct listing *listing = context;

	if (!container->follower || !follower_refresh(container->follower))
		return;
	json_object_begin(&listing->json, NULL);
	explain_put_brief(&listing->json, listing->api->shared, container);
	json_object_end(&listing->json);
}

static void get_containers(const struct route *route)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct listing listing = {.api = route->api};

	json_init(&listing.json, &body);
	json_object_begin(&listing.json, NULL);
	json_array_begin(&listing.json, "containers");
	everybody_for_each(route->api->shared, put_one, &listing);
	json_array_end(&listing.json);
	about_put_losses(&listing.json, route->api->shared->watch);
	json_object_end(&listing.json);
	http_reply_json(route->exchange, 200, &body);
}

static void get_container(const struct route *route)
{
	const struct follower_shared *shared = route->api->shared;
	_cleanup_(buf_done) struct buf body = {0};
	struct json json;

	(void)follower_refresh(route->container->follower); /* gone: as it was at last */
	json_init(&json, &body);
	json_object_begin(&json, NULL);
	explain_put_brief(&json, shared, route->container);
	explain_put_rest(&json, shared, route->container);
	json_object_end(&json);
	http_reply_json(route->exchange, 200, &body);
}

static void get_wait(const struct route *route)
{
	waiting_add(route->api->waiting, route->exchange, route->container);
}

/* False: there is one that is none. */
static bool read_code(const struct http_request *request, int *ret_code)
{
	const char *text = http_request_query(request, "status");
	char *end;
	long code;

	if (!text)
		return true;
	code = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || code > 255)
		return false;
	*ret_code = (int)code;
	return true;
}

static void post_finish(const struct route *route)
{
	struct container *container = route->container;
	int code = FOLLOWER_NO_CODE, err;
	struct listener *listener;
	struct error error;

	if (!read_code(route->request, &code)) {
		http_reply_error(route->exchange, 400, "`status` is a whole number from 0 to 255");
		return;
	}
	listener = add_listener(route->api, route->exchange, container->cgroup);
	if (!listener)
		return;
	err = follower_finish(container->follower, code, &error);
	if (err) {
		remove_listener(listener);
		http_reply_error(route->exchange, http_status(err), "%s is not finished: %s",
				 container_name(container), error.text);
		return;
	}
	http_hold(route->exchange, on_listener_gone, listener);
}

static void get_events(const struct route *route)
{
	struct listener *listener = add_listener(route->api, route->exchange, 0);

	if (listener)
		http_stream_begin(route->exchange, on_listener_gone, listener);
}

static void get_agent(const struct route *route)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct json json;

	json_init(&json, &body);
	json_object_begin(&json, NULL);
	about_put(&json, route->api->version, route->api->shared);
	json_object_end(&json);
	http_reply_json(route->exchange, 200, &body);
}

static const struct {
	const char *method;
	const char *segments[4]; /* "*": a container */
	void (*answer)(const struct route *route);
} routes[] = {
	{"GET", {"v1", "containers"}, get_containers},
	{"GET", {"v1", "containers", "*"}, get_container},
	{"GET", {"v1", "containers", "*", "wait"}, get_wait},
	{"POST", {"v1", "containers", "*", "finish"}, post_finish},
	{"GET", {"v1", "events"}, get_events},
	{"GET", {"v1", "agent"}, get_agent},
};

enum { ROUTE_COUNT = sizeof(routes) / sizeof(routes[0]) };

static bool fits(const char *const segments[4], const struct http_request *request)
{
	size_t count = 0;

	for (; count < 4 && segments[count]; count++) {
		if (count >= request->segment_count)
			return false;
		if (strcmp(segments[count], "*") != 0 &&
		    strcmp(segments[count], request->segments[count]) != 0)
			return false;
	}
	return count == request->segment_count;
}

/* True: found. False: answered. */
static bool find_container(struct route *route)
{
	struct api *api = route->api;
	const char *reference = route->request->segments[2];
	const struct past *past;
	struct error error;
	int err = lookup_container(api->shared, reference, &route->container, &error);

	if (!err && route->container->follower)
		return true;
	past = err == -ENOENT ? history_find(&api->history, reference, clock_boot_ns()) : NULL;
	if (past && route->request->segment_count == 4 &&
	    strcmp(route->request->segments[3], "wait") == 0)
		waiting_reply(route->exchange, past->id, past->name, &past->end);
	else
		http_reply_error(route->exchange, http_status(err ? err : -ENOENT), "%s",
				 error.text);
	return false;
}

static void on_request(void *context, struct http_exchange *exchange,
		       const struct http_request *request)
{
	struct route route = {.api = context, .exchange = exchange, .request = request};
	bool is_path = false;

	/* What wakes nobody is told with the next record that does: an answer is to be current. */
	if (route.api->shared->watch)
		watch_drain(route.api->shared->watch);
	for (int i = 0; i < ROUTE_COUNT; i++) {
		if (!fits(routes[i].segments, request))
			continue;
		is_path = true;
		if (strcmp(routes[i].method, request->method) != 0)
			continue;
		if (request->segment_count < 3 || find_container(&route))
			routes[i].answer(&route);
		return;
	}
	if (is_path)
		http_reply_error(exchange, 405, "%s is no way to ask for that", request->method);
	else
		http_reply_error(exchange, 404, "there is nothing of that name; see docs/api.md");
}

/* --- start and end --- */

static int listen_at(struct api *api, const char *path, struct error *error)
{
	struct http_options options = {
		.base = api->shared->base,
		.has_peer_uid = true,
		.peer_uid = 0,
		.on_request = on_request,
		.context = api,
	};
	int fd, err;

	err = unix_socket_listen(path, &api->socket, &fd, error);
	if (err)
		return err;
	err = http_server_new(&options, fd, &api->server, error);
	if (err)
		(void)close(fd);
	return err;
}

int api_new(const struct follower_shared *shared, const char *version, const char *path,
	    struct api **ret_api, struct error *error)
{
	struct api *api = calloc(1, sizeof(*api));
	int err;

	if (!api)
		return error_set(error, -ENOMEM, "out of memory");
	api->shared = shared;
	api->version = version;
	api->waiting = waiting_new(shared);
	err = api->waiting ? listen_at(api, path, error) :
			     error_set(error, -ENOMEM, "out of memory");
	if (err) {
		api_free(api);
		return err;
	}
	*ret_api = api;
	return 0;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	http_server_free(api->server); /* tells all listeners and waiters that they are gone */
	unix_socket_remove(&api->socket);
	waiting_free(api->waiting);
	history_done(&api->history);
	free(api);
}
