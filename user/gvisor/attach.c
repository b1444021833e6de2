// SPDX-License-Identifier: Apache-2.0
#include "gvisor/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gvisor/reply.h"
#include "gvisor/request.h"

/*
 * Some 20000 messages, about ten seconds of a guest that does nothing but fork: so long may we be stopped
 * until something is lost. Memory is taken only by what waits.
 */
enum { ATTACH_BUFFER = 8 << 20 };

struct gvisor_attach {
	struct event_base *base;
	struct gvisor_endpoint endpoint;
	struct gvisor_attach_handler handler;
	struct gvisor_call *call;
	int ours;
	int theirs;
};

void gvisor_attach_free(struct gvisor_attach *attach)
{
	if (!attach)
		return;
	gvisor_call_free(attach->call);
	if (attach->ours >= 0)
		(void)close(attach->ours);
	if (attach->theirs >= 0)
		(void)close(attach->theirs);
	free(attach);
}

static void answer(struct gvisor_attach *attach, int err, const struct error *error)
{
	struct gvisor_attach_handler handler = attach->handler;
	int fd = err ? -1 : STEAL_FD(attach->ours);

	gvisor_attach_free(attach);
	handler.on_attached(handler.context, err, fd, error);
}

static void fail(struct gvisor_attach *attach, int err, const char *what)
{
	struct error error;

	(void)error_set(&error, err, "%s: %s", what, strerror(-err));
	answer(attach, err, &error);
}

static int call(struct gvisor_attach *attach, struct buf *request, int fd, gvisor_call_fn on_reply)
{
	struct gvisor_call_options options = {.endpoint = attach->endpoint,
					      .request = request->data,
					      .fd = fd,
					      .reply_size = GVISOR_REPLY_SIZE,
					      .on_reply = on_reply,
					      .context = attach};
	int err = request->failed ? -ENOMEM :
				    gvisor_call_start(attach->base, &options, &attach->call);

	buf_done(request);
	return err;
}

static int open_pair(struct gvisor_attach *attach)
{
	int pair[2], size = ATTACH_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	attach->ours = pair[0];
	attach->theirs = pair[1];
	/* Past the limit with CAP_NET_ADMIN; else as far as it goes. */
	if (setsockopt(attach->theirs, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(attach->theirs, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/*
 * A sandbox built with Go before 1.21 has made its end blocking, by no will of its own: it would freeze
 * whole as soon as we do not read. The flag belongs to what both descriptors share.
 */
static int make_harmless(int theirs)
{
	int flags = fcntl(theirs, F_GETFL);

	if (flags < 0 || fcntl(theirs, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static void on_created(void *context, int err, const char *reply, size_t len)
{
	struct gvisor_attach *attach = context;
	struct error error;

	attach->call = NULL;
	if (!err) {
		err = gvisor_reply_check(reply, len, &error);
		if (err) {
			answer(attach, err, &error);
			return;
		}
		err = make_harmless(attach->theirs);
	}
	if (err)
		fail(attach, err, "cannot create a trace session");
	else
		answer(attach, 0, NULL);
}

static void create(struct gvisor_attach *attach, bool is_forced)
{
	struct buf request = {0};
	int err = open_pair(attach);

	if (!err) {
		gvisor_request_create(&request, is_forced);
		err = call(attach, &request, attach->theirs, on_created);
	}
	if (err)
		fail(attach, err, "cannot create a trace session");
}

static void on_sessions(void *context, int err, const char *reply, size_t len)
{
	struct gvisor_attach *attach = context;
	struct error error;
	bool has_session = false;

	attach->call = NULL;
	if (err) {
		fail(attach, err, "cannot ask for trace sessions");
		return;
	}
	err = gvisor_reply_sessions(reply, len, &has_session, &error);
	if (!err && has_session && !attach->handler.is_session_dead(attach->handler.context))
		err = error_set(&error, -EEXIST, "it has a trace session of somebody else's");
	if (err)
		answer(attach, err, &error);
	else
		create(attach, has_session);
}

int gvisor_attach_start(struct event_base *base, const struct gvisor_endpoint *endpoint,
			const struct gvisor_attach_handler *handler,
			struct gvisor_attach **ret_attach)
{
	struct gvisor_attach *attach = calloc(1, sizeof(*attach));
	struct buf request = {0};
	int err;

	if (!attach)
		return -ENOMEM;
	attach->base = base;
	attach->endpoint = *endpoint;
	attach->handler = *handler;
	attach->ours = -1;
	attach->theirs = -1;
	gvisor_request_sessions(&request);
	err = call(attach, &request, -1, on_sessions);
	if (err) {
		gvisor_attach_free(attach);
		return err;
	}
	*ret_attach = attach;
	return 0;
}
