// SPDX-License-Identifier: Apache-2.0
#include "host/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* A description of our own, so that O_NONBLOCK is ours alone. */
static int open_again(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void output_init(struct output *output, int fd, size_t max)
{
	struct stat stat_buf;
	int again;

	*output = (struct output){.fd = fd, .max = max};
	if (fstat(fd, &stat_buf) < 0)
		return; /* it is closed: each write says so */
	if (S_ISSOCK(stat_buf.st_mode)) {
		output->kind = OUTPUT_SOCKET;
		return;
	}
	if (!S_ISFIFO(stat_buf.st_mode) && !S_ISCHR(stat_buf.st_mode))
		return;
	again = open_again(fd);
	output->kind = again < 0 ? OUTPUT_POLLED : OUTPUT_OPENED;
	output->is_ours = again >= 0;
	if (again >= 0)
		output->fd = again;
}

void output_done(struct output *output)
{
	if (output->is_ours)
		(void)close(output->fd);
	output->is_ours = false;
	buf_done(&output->kept);
}

/*
 * poll says that a pipe has room for PIPE_BUF bytes. Another process that shares the pipe may take that
 * room first: only then this write waits.
 */
static ssize_t write_polled(const struct output *output, const char *bytes, size_t len)
{
	struct pollfd pollfd = {.fd = output->fd, .events = POLLOUT};

	if (poll(&pollfd, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(output->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
}

static ssize_t write_some(const struct output *output, const char *bytes, size_t len)
{
	switch (output->kind) {
	case OUTPUT_SOCKET:
		return send(output->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case OUTPUT_POLLED:
		return write_polled(output, bytes, len);
	case OUTPUT_PLAIN:
	case OUTPUT_OPENED:
		break;
	}
	return write(output->fd, bytes, len);
}

/* How many bytes were written, perhaps 0, or a negative errno. */
static ssize_t write_now(const struct output *output, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = write_some(output, bytes + done, len - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0)
			return -errno;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static uint64_t count_lines(const char *bytes, size_t len)
{
	uint64_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += bytes[i] == '\n';
	return count;
}

static void drop(struct output *output, const char *bytes, size_t len)
{
	uint64_t lines = count_lines(bytes, len);

	output->dropped += lines;
	output->dropped_now += lines;
}

static void forget_kept(struct output *output)
{
	buf_done(&output->kept);
	output->kept = (struct buf){0};
	output->written = 0;
}

bool output_is_waiting(const struct output *output)
{
	return output->written < output->kept.len;
}

int output_flush(struct output *output)
{
	size_t left = output->kept.len - output->written;
	ssize_t done;

	if (!left)
		return 0;
	done = write_now(output, output->kept.data + output->written, left);
	if (done < 0) {
		drop(output, output->kept.data + output->written, left);
		forget_kept(output);
		return (int)done;
	}
	output->written += (size_t)done;
	if (!output_is_waiting(output))
		forget_kept(output);
	return 0;
}

/* Moves what is kept to the front, when that frees a good part of the memory. */
static void compact(struct output *output)
{
	struct buf *kept = &output->kept;

	if (!kept->data || output->written < output->max / 2)
		return;
	memmove(kept->data, kept->data + output->written, kept->len - output->written);
	kept->len -= output->written;
	output->written = 0;
}

/* The rest of a line that is half written is kept whatever its length: the stream stays one of lines. */
static void keep(struct output *output, const char *bytes, size_t len, bool is_begun)
{
	size_t waiting = output->kept.len - output->written;

	compact(output);
	if (!is_begun && waiting + len > output->max) {
		drop(output, bytes, len);
		return;
	}
	buf_append(&output->kept, bytes, len);
	if (output->kept.failed) {
		output->kept.failed = false;
		drop(output, bytes, len);
	}
}

int output_write(struct output *output, const char *lines, size_t len)
{
	int err = output_flush(output);
	ssize_t done = 0;

	if (err)
		return err;
	if (!output_is_waiting(output))
		done = write_now(output, lines, len);
	if (done < 0) {
		drop(output, lines, len);
		return (int)done;
	}
	if ((size_t)done < len)
		keep(output, lines + done, len - (size_t)done, done > 0);
	return 0;
}

void output_flush_for(struct output *output, uint64_t ms)
{
	uint64_t until_ns = clock_boot_ns() + ms * NS_PER_MS, now_ns;

	while (output_flush(output) == 0 && output_is_waiting(output)) {
		struct pollfd pollfd = {.fd = output->fd, .events = POLLOUT};

		now_ns = clock_boot_ns();
		if (now_ns >= until_ns)
			return;
		(void)poll(&pollfd, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
	}
}

uint64_t output_take_dropped(struct output *output)
{
	uint64_t count = output_is_waiting(output) ? 0 : output->dropped_now;

	if (count)
		output->dropped_now = 0;
	return count;
}
