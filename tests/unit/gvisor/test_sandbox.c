// SPDX-License-Identifier: Apache-2.0
/* A sandbox's control socket and trace session, played by the test in the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/buf.h"
#include "gvisor/listener.h"
#include "gvisor/sandbox.h"
#include "tree.h"

enum { PATIENCE_S = 5 };

#define DONE(result) "{\"success\":true,\"err\":\"\",\"result\":" result "}"
#define ROW(pid, parent, cmd) \
	"{\"uid\":0,\"pid\":" pid ",\"ppid\":" parent ",\"threads\":[" pid "],\"cmd\":\"" cmd "\"}"
#define SESSION DONE("[{\"name\":\"Default\"}]")

/* What the played sandbox answers. */
static struct {
	const char *sessions, *create, *processes, *dump, *signal;
	int session; /* our end of its trace session */
	unsigned calls;
	bool is_deaf; /* takes calls and does not answer */
	bool is_reader_dead;
} fake;

static struct event_base *base;
static struct event *accepting;
static struct gvisor_sandbox *sandbox;
static int life[2]; /* the played process: its pidfd becomes readable when the other end is closed */
static struct buf told;
static unsigned strangers;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
	va_list arguments;

	if (told.len)
		buf_puts(&told, ", ");
	va_start(arguments, format);
	buf_vprintf(&told, format, arguments);
	va_end(arguments);
}

/* Turns the loop until the observer was told this, and nothing else. */
static void await_told(const char *text)
{
	for (int turns = 0; turns < PATIENCE_S * 100; turns++) {
		struct timeval moment = {0, 10000};

		if (told.data && strcmp(told.data, text) == 0)
			break;
		(void)event_base_loopexit(base, &moment);
		(void)event_base_dispatch(base);
	}
	assert_string_equal(told.data ? told.data : "", text);
	buf_done(&told);
	told = (struct buf){0};
}

/* --- the played sandbox --- */

static void take_session(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (!header)
		return;
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	memcpy(&fake.session, CMSG_DATA(header), sizeof(int));
	/* as a sandbox that was built with an old Go does */
	assert_int_equal(fcntl(fake.session, F_SETFL, 0), 0);
}

static const char *answer_to(const char *request)
{
	if (strstr(request, "ListTraceSessions"))
		return fake.sessions;
	if (strstr(request, "CreateTraceSession"))
		return fake.create;
	if (strstr(request, "Processes"))
		return fake.processes;
	if (strstr(request, "ProcfsDump"))
		return fake.dump;
	return fake.signal;
}

static void on_call(evutil_socket_t listener, short what, void *context)
{
	char request[8192], control[64];
	struct iovec part = {request, sizeof(request) - 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int caller = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	const char *answer;
	ssize_t len;

	(void)what;
	(void)context;
	assert_true(caller >= 0);
	fake.calls++;
	if (fake.is_deaf)
		return; /* left open: the call's deadline ends it */
	len = recvmsg(caller, &message, MSG_CMSG_CLOEXEC);
	assert_true(len > 0);
	request[len] = '\0';
	take_session(&message);
	answer = answer_to(request);
	(void)send(caller, answer, strlen(answer), MSG_NOSIGNAL);
	(void)close(caller);
}

static void listen_for_calls(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	accepting = event_new(base, fd, EV_READ | EV_PERSIST, on_call, NULL);
	assert_int_equal(event_add(accepting, NULL), 0);
}

/* A packet of the session: exit-notify of a process of `container`, that has ended with 3. */
static void send_exit(const char *container, unsigned char pid)
{
	unsigned char packet[64] = {8, 0, 4, 0, 0, 0, 0, 0, 0x0a}, *at = packet + 10;
	size_t len = strlen(container);
	const unsigned char fixed[] = {0x10, pid, 0x20, pid, 0x28, pid, 0x32, (unsigned char)len};

	memcpy(at, fixed, sizeof(fixed));
	memcpy(at + sizeof(fixed), container, len);
	packet[9] = (unsigned char)(sizeof(fixed) + len);
	at += sizeof(fixed) + len;
	memcpy(at, "\x10\x80\x06", 3);
	assert_true(send(fake.session, packet, (size_t)(at + 3 - packet), 0) > 0);
}

/* --- the observer --- */

static void on_change(void *context, struct container *container, enum gvisor_change change)
{
	static const char *const names[] = {"found", "init", "task", "idle", "reread", "removed"};

	(void)context;
	tell("%s %s %u/%u/%u", container->identity.id, names[change], container->counts.tasks,
	     container->counts.helpers, container->counts.injected);
}

static void on_exit_record(void *context, struct container *container,
			   const struct gvisor_exit *exit)
{
	(void)context;
	tell("%s exit %u", container->identity.id, exit->record.pid);
	if (exit->has_status)
		tell("status %d", exit->record.status);
}

static void on_mode(void *context, struct gvisor_sandbox *changed)
{
	(void)context;
	tell("%s", gvisor_mode_name(gvisor_sandbox_mode(changed)));
}

static void on_stranger(void *context, struct gvisor_sandbox *asked)
{
	(void)context;
	(void)asked;
	strangers++;
}

static bool is_session_dead(void *context, struct gvisor_sandbox *asked)
{
	(void)context;
	(void)asked;
	return fake.is_reader_dead;
}

static void on_gone(void *context, struct gvisor_sandbox *gone)
{
	(void)context;
	tell("free");
	gvisor_sandbox_free(gone);
	sandbox = NULL;
}

static void on_verified(void *context, struct container *container, int err, bool has_init,
			const struct gvisor_holder *holders, size_t count)
{
	(void)context;
	tell("%s verified %d init=%d holders=%zu", container->identity.id, err, has_init, count);
	for (size_t i = 0; i < count; i++)
		tell("%d %s %s", holders[i].pid, role_name(holders[i].role), holders[i].comm);
}

static void on_signalled(void *context, struct container *container, int err, const char *text)
{
	(void)context;
	tell("%s signalled %d %s", container->identity.id, err, text);
}

static const struct gvisor_named web = {.id = "web", .cgroup = "/web", .pod_uid = "", .key = 1};

/* Its host process: gone when the other end of the pipe is closed. */
static void start(void)
{
	struct gvisor_sandbox_options options = {
		.id = "web",
		.control_path = tree_path("control.sock"),
		.pidfd = life[0],
		.poll_ms = 30,
		.check_ms = 60000,
		.observer = {{on_change, on_exit_record, NULL},
			     on_mode,
			     on_stranger,
			     is_session_dead,
			     on_gone,
			     NULL},
	};

	assert_int_equal(gvisor_sandbox_new(base, &options, &sandbox), 0);
	assert_int_equal(gvisor_sandbox_set_containers(sandbox, &web, 1), 0);
	gvisor_sandbox_start(sandbox);
}

static int make_fake(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake.sessions = DONE("null");
	fake.create = fake.signal = DONE("{}");
	fake.processes = DONE("[" ROW("1", "0", "pm") "," ROW("2", "1", "work") "]");
	fake.dump = DONE("[{\"clone_ts\":1,\"status\":{\"pid\":1}},{\"clone_ts\":2,\"status\":"
			 "{\"pid\":2}}]");
	fake.session = -1;
	strangers = 0;
	told = (struct buf){0};
	if (tree_make(state) < 0 || pipe2(life, O_CLOEXEC) < 0)
		return -1;
	base = event_base_new();
	listen_for_calls(tree_path("control.sock"));
	return 0;
}

static int free_fake(void **state)
{
	if (sandbox)
		gvisor_sandbox_free(sandbox);
	sandbox = NULL;
	(void)close(event_get_fd(accepting));
	event_free(accepting);
	event_base_free(base);
	if (fake.session >= 0)
		(void)close(fake.session);
	if (life[1] >= 0)
		(void)close(life[1]);
	buf_done(&told);
	return tree_remove(state);
}

/* --- what happens --- */

static void test_attached(void **state)
{
	(void)state;
	start();
	await_told("web found 1/0/0, events");
	/* blocking no more, whatever the sandbox did; and ours alone to read */
	assert_true(fcntl(fake.session, F_GETFL) & O_NONBLOCK);
	send_exit("web", 2);
	await_told("web exit 2, status 768");
	assert_int_equal(gvisor_sandbox_stats(sandbox)->messages, 1);
}

static void test_end(void **state)
{
	(void)state;
	start();
	await_told("web found 1/0/0, events");
	/* sent before the end, read after it */
	send_exit("web", 2);
	(void)close(life[1]);
	life[1] = -1;
	await_told("web exit 2, status 768, web exit 1, gone, free, web removed 0/0/0");
}

static void test_strangers_message_closes(void **state)
{
	(void)state;
	start();
	await_told("web found 1/0/0, events");
	send_exit("other", 2);
	await_told("polled");
	assert_int_equal(strangers, 1);
	assert_int_equal(gvisor_sandbox_stats(sandbox)->faults[GVISOR_FAULT_CONTAINER], 1);
	assert_non_null(strstr(gvisor_sandbox_reason(sandbox), "not its own"));
	/* closed: nothing of it is heard any more */
	assert_true(send(fake.session, "x", 1, MSG_NOSIGNAL) < 0);
	/* and the process list is */
	fake.processes = DONE("[" ROW("1", "0", "pm") "]");
	await_told("web exit 2, web reread 0/0/0");
}

static void test_nonsense_closes(void **state)
{
	(void)state;
	start();
	await_told("web found 1/0/0, events");
	assert_int_equal(send(fake.session, "\x08\0\x04\0\0\0\0\0\xff", 9, 0), 9);
	await_told("polled");
	assert_int_equal(gvisor_sandbox_stats(sandbox)->faults[GVISOR_FAULT_PAYLOAD], 1);
	assert_int_equal(strangers, 0);
}

/* Its last messages may come when its state file is gone already. */
static void test_removed_containers_message(void **state)
{
	static const struct gvisor_named both[] = {
		{.id = "web", .cgroup = "", .pod_uid = "", .key = 1},
		{.id = "db", .cgroup = "", .pod_uid = "", .key = 2},
	};

	(void)state;
	start();
	await_told("web found 1/0/0, events");
	fake.processes = DONE("null");
	assert_int_equal(gvisor_sandbox_set_containers(sandbox, both, 2), 0);
	await_told("web exit 1, web exit 2, web reread 0/0/0, db found 0/0/0");
	assert_int_equal(gvisor_sandbox_set_containers(sandbox, both, 1), 0);
	send_exit("db", 7);
	send_exit("web", 8);
	await_told("db removed 0/0/0, web exit 8, status 768");
	assert_int_equal(strangers, 0);
}

static void test_anothers_session(void **state)
{
	(void)state;
	fake.sessions = SESSION;
	start();
	await_told("web found 1/0/0, polled");
	assert_int_equal(fake.session, -1);
	fake.processes = DONE(
		"[" ROW("1", "0", "pm") "," ROW("2", "1", "work") "," ROW("3", "1", "more") "]");
	fake.dump = DONE("[{\"clone_ts\":1,\"status\":{\"pid\":1}},{\"clone_ts\":3,\"status\":"
			 "{\"pid\":3}}]");
	/* 2 is a zombie now */
	await_told("web exit 2");
}

static void test_session_of_a_dead_reader(void **state)
{
	(void)state;
	fake.sessions = SESSION;
	fake.is_reader_dead = true;
	start();
	await_told("web found 1/0/0, events");
}

static void test_listens_later(void **state)
{
	(void)state;
	event_del(accepting);
	assert_int_equal(rename(tree_path("control.sock"), "/tmp/lastout-unit-moved"), 0);
	start();
	await_told("blind, web found 0/0/0");
	assert_non_null(strstr(gvisor_sandbox_reason(sandbox), "control socket"));
	assert_int_equal(rename("/tmp/lastout-unit-moved", tree_path("control.sock")), 0);
	assert_int_equal(event_add(accepting, NULL), 0);
	await_told("events, web init 0/0/0, web task 1/0/0, web reread 1/0/0");
}

static void test_verify(void **state)
{
	struct container *container;

	(void)state;
	start();
	await_told("web found 1/0/0, events");
	container = gvisor_sandbox_next(sandbox, NULL);
	fake.processes = DONE("[" ROW("1", "0", "pm") "," ROW("2", "1", "work") "," ROW(
		"5", "0", "sh") "," ROW("6", "1", "zombie") "]");
	fake.dump = DONE("[{\"clone_ts\":1,\"status\":{\"pid\":1}},{\"clone_ts\":5,\"status\":"
			 "{\"pid\":5}},{\"clone_ts\":2,\"status\":{\"pid\":2}}]");
	assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), 0);
	assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), -EBUSY);
	await_told("web reread 1/0/1, web verified 0 init=1 holders=2, 2 task work, 5 injected sh");
	/* an exit that is sent before the answer is applied before it */
	send_exit("web", 2);
	assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), 0);
	await_told("web exit 2, status 768, web verified 0 init=1 holders=1, 5 injected sh");
}

static void test_no_answer_is_no_verdict(void **state)
{
	static const char *const bad[] = {DONE("7"), "{\"success\":false,\"err\":\"no\"}", ""};
	static const char *const verdicts[] = {"web verified -74 init=0 holders=0",
					       "web verified -121 init=0 holders=0",
					       "web verified -104 init=0 holders=0"};
	struct container *container;

	(void)state;
	start();
	await_told("web found 1/0/0, events");
	container = gvisor_sandbox_next(sandbox, NULL);
	for (int i = 0; i < 3; i++) {
		fake.processes = bad[i];
		assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), 0);
		await_told(verdicts[i]);
	}
	/* its socket is not there: not to be mistaken for a container that is not */
	assert_int_equal(rename(tree_path("control.sock"), "/tmp/lastout-unit-moved"), 0);
	assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), 0);
	await_told("web verified -111 init=0 holders=0");
	assert_int_equal(rename("/tmp/lastout-unit-moved", tree_path("control.sock")), 0);
	/* it hangs: told after a while, and nobody else waits for it */
	fake.is_deaf = true;
	assert_int_equal(gvisor_sandbox_verify(sandbox, container, on_verified, NULL), 0);
	await_told("web verified -110 init=0 holders=0");
}

static void test_signal(void **state)
{
	struct container *container;

	(void)state;
	start();
	await_told("web found 1/0/0, events");
	container = gvisor_sandbox_next(sandbox, NULL);
	assert_int_equal(gvisor_sandbox_signal(sandbox, container, 15, on_signalled, NULL), 0);
	await_told("web signalled 0 ");
	fake.signal = "{\"success\":false,\"err\":\"no such\",\"result\":null}";
	assert_int_equal(gvisor_sandbox_signal(sandbox, container, 15, on_signalled, NULL), 0);
	await_told("web signalled -121 no such");
}

/* --- sandboxes that connect --- */

static void on_connected(void *context, int fd, pid_t pid)
{
	assert_int_equal(pid, getpid());
	*(int *)context = fd;
	tell("connected");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void turn(void)
{
	for (int i = 0; i < 5; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void test_listener(void **state)
{
	struct gvisor_listener *listener, *second;
	struct error error;
	char answer[16], path[64];
	int good, bad, fd = -1;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/gvisor.sock", tree);
	assert_int_equal(gvisor_listener_new(base, path, on_connected, &fd, &listener, &error), 0);
	assert_int_equal(gvisor_listener_new(base, path, on_connected, &fd, &second, &error),
			 -EADDRINUSE);
	good = connect_to(path);
	bad = connect_to(path);
	assert_int_equal(send(good, "\x08\x01", 2, 0), 2);
	assert_int_equal(send(bad, "\x08\x00", 2, 0), 2);
	turn();
	assert_int_equal(recv(good, answer, sizeof(answer), 0), 2);
	assert_memory_equal(answer, "\x08\x01", 2);
	assert_int_equal(recv(bad, answer, sizeof(answer), 0), 0);
	assert_int_equal(gvisor_listener_refused(listener), 1);
	assert_null(told.data);
	/* what was sent is left to whoever takes the connection over */
	assert_int_equal(send(good, "packet", 6, 0), 6);
	turn();
	await_told("connected");
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 6);
	gvisor_listener_free(listener);
	assert_int_equal(access(path, F_OK), -1);
	(void)close(fd);
	(void)close(good);
	(void)close(bad);
}

static void test_connected_sandbox(void **state)
{
	int pair[2];

	(void)state;
	fake.sessions = SESSION;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	start();
	await_told("web found 1/0/0, polled");
	fake.session = pair[1];
	send_exit("web", 2);
	gvisor_sandbox_take_events(sandbox, pair[0]);
	await_told("events, web exit 2, status 768");
}

#define with_fake(test) cmocka_unit_test_setup_teardown(test, make_fake, free_fake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fake(test_attached),
		with_fake(test_end),
		with_fake(test_strangers_message_closes),
		with_fake(test_nonsense_closes),
		with_fake(test_removed_containers_message),
		with_fake(test_anothers_session),
		with_fake(test_session_of_a_dead_reader),
		with_fake(test_listens_later),
		with_fake(test_verify),
		with_fake(test_no_answer_is_no_verdict),
		with_fake(test_signal),
		with_fake(test_listener),
		with_fake(test_connected_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
