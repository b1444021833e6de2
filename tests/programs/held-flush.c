/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held-flush DIRECTORY
 *
 * Mounts a FUSE file system with one file, `file`, and serves it on the host. When a process closes the
 * file, also by its exit, the kernel asks for a flush and the process waits. Says `flush` then, and
 * answers when it reads a line: a process can be held in its exit as long as a test likes. Ends with its
 * standard input, and with it the file system. It speaks the kernel's protocol itself, <linux/fuse.h>.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_NODE = 2, BUFFER_SIZE = 1 << 18 };

static char buffer[BUFFER_SIZE];

static void reply(int fd, uint64_t unique, int error, const void *body, size_t size)
{
	char out[sizeof(struct fuse_out_header) + 256] = {0};
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + size), .error = error, .unique = unique};

	memcpy(out, &head, sizeof(head));
	if (size)
		memcpy(out + sizeof(head), body, size);
	if (write(fd, out, head.len) < 0 && errno != ENOENT) /* interrupted meanwhile */
		err(1, "reply");
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0777,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void reply_init(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};

	reply(fd, in->unique, 0, &out, sizeof(out));
}

static void reply_entry(int fd, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = {.nodeid = FILE_NODE, .attr = attr_of(FILE_NODE)};
	int is_file = strcmp(name, "file") == 0;

	reply(fd, in->unique, is_file ? 0 : -ENOENT, &out, is_file ? sizeof(out) : 0);
}

/* False: standard input has ended. */
static int await_line(void)
{
	char line[16];

	return read(STDIN_FILENO, line, sizeof(line)) > 0;
}

static int serve(int fd, const struct fuse_in_header *in)
{
	const void *body = in + 1;
	struct fuse_attr_out attr = {.attr = attr_of(in->nodeid)};
	struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
	struct fuse_write_out written = {.size = ((const struct fuse_write_in *)body)->size};

	switch (in->opcode) {
	case FUSE_INIT:
		reply_init(fd, in);
		break;
	case FUSE_LOOKUP:
		reply_entry(fd, in, body);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		reply(fd, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		reply(fd, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_WRITE:
		reply(fd, in->unique, 0, &written, sizeof(written));
		break;
	case FUSE_FLUSH:
		puts("flush");
		if (!await_line())
			return 0;
		reply(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		reply(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* these want no answer */
	default:
		reply(fd, in->unique, -ENOSYS, NULL, 0);
	}
	return 1;
}

static void serve_all(int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = STDIN_FILENO, .events = POLLIN}};

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		if (read(fd, buffer, sizeof(buffer)) < 0) {
			if (errno == ENODEV)
				return; /* unmounted */
			if (errno != EINTR && errno != ENOENT)
				err(1, "/dev/fuse");
			continue;
		}
		if (!serve(fd, (const struct fuse_in_header *)buffer))
			return;
	}
}

int main(int argc, char **argv)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	if (argc != 2)
		errx(99, "usage: held-flush DIRECTORY");
	if (fd < 0)
		err(99, "/dev/fuse");
	setlinebuf(stdout);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40777,user_id=0,group_id=0,allow_other",
		 fd);
	if (mount("held-flush", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		err(99, "mount");
	puts("mounted");
	serve_all(fd);
	umount2(argv[1], MNT_DETACH);
	return 0; /* the descriptor closes, and requests without an answer fail */
}
