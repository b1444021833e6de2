// SPDX-License-Identifier: Apache-2.0
#include "gvisor/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Others wait meanwhile; what is left comes with the next turn of the loop. */
	STREAM_TURN = 512,
	/* More than the socket holds at once: the sandbox sends faster than anybody could read. */
	STREAM_DRAIN = 65536,
};

struct gvisor_stream {
	int fd;
	struct event *readable;
	struct gvisor_stream_handler handler;
};

enum turn { TURN_EMPTY, TURN_MORE, TURN_ENDED };

static enum turn end(struct gvisor_stream *stream, enum gvisor_fault fault)
{
	(void)event_del(stream->readable); /* of a valid event: cannot fail */
	stream->handler.on_end(stream->handler.context, fault);
	return TURN_ENDED;
}

static enum turn read_one(struct gvisor_stream *stream)
{
	uint8_t packet[GVISOR_PACKET_SIZE];
	struct gvisor_event event;
	enum gvisor_fault fault;
	/* MSG_TRUNC: gives the packet's own length. */
	ssize_t len = recv(stream->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

	if (len < 0 && errno == EINTR)
		return TURN_MORE;
	if (len < 0 && errno == EAGAIN)
		return TURN_EMPTY;
	if (len <= 0)
		return end(stream, GVISOR_FITS);
	if ((size_t)len > sizeof(packet))
		fault = gvisor_wire_decode(packet, sizeof(packet), true, &event);
	else
		fault = gvisor_wire_decode(packet, (size_t)len, false, &event);
	if (!fault)
		fault = stream->handler.on_event(stream->handler.context, &event);
	return fault ? end(stream, fault) : TURN_MORE;
}

static enum turn read_some(struct gvisor_stream *stream, unsigned most)
{
	enum turn turn = TURN_MORE;

	while (turn == TURN_MORE && most-- > 0)
		turn = read_one(stream);
	return turn;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)read_some(context, STREAM_TURN);
}

int gvisor_stream_new(struct event_base *base, int fd, const struct gvisor_stream_handler *handler,
		      struct gvisor_stream **ret_stream)
{
	struct gvisor_stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		(void)close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	stream->handler = *handler;
	stream->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, stream);
	if (!stream->readable || event_add(stream->readable, NULL) < 0) {
		gvisor_stream_free(stream);
		return -ENOMEM;
	}
	*ret_stream = stream;
	return 0;
}

void gvisor_stream_free(struct gvisor_stream *stream)
{
	if (!stream)
		return;
	if (stream->readable)
		event_free(stream->readable);
	(void)close(stream->fd);
	free(stream);
}

bool gvisor_stream_drain(struct gvisor_stream *stream)
{
	return read_some(stream, STREAM_DRAIN) == TURN_EMPTY;
}
