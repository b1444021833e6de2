// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/unix_socket.h"
#include "tree.h"

static struct error error;

static void listen_at(const char *path, struct unix_socket *ret_socket, int *ret_fd)
{
	if (unix_socket_listen(path, ret_socket, ret_fd, &error) != 0)
		fail_msg("%s", error.text);
}

static mode_t mode_of(const char *path)
{
	struct stat found;

	assert_int_equal(lstat(path, &found), 0);
	return found.st_mode;
}

static bool can_connect(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address;
	bool has_connected;

	assert_int_equal(unix_socket_address(path, &address, &error), 0);
	has_connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return has_connected;
}

static void test_for_its_owner_alone(void **state)
{
	struct unix_socket made;
	char path[64];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/run/lastout.sock", tree);
	(void)umask(0);
	listen_at(path, &made, &fd);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	(void)snprintf(path, sizeof(path), "%s/run", tree);
	assert_int_equal(mode_of(path), S_IFDIR | 0700);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(can_connect(made.path));
	close(fd);
	unix_socket_remove(&made);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_folder_that_was_there_stays(void **state)
{
	struct unix_socket made;
	int fd;

	(void)state;
	listen_at(tree_path("folder/s"), &made, &fd);
	close(fd);
	unix_socket_remove(&made);
	assert_int_equal(access(tree_path("folder/s"), F_OK), -1);
	assert_int_equal(access(tree, F_OK), 0);
}

static void test_a_dead_one_is_replaced(void **state)
{
	struct unix_socket dead, made;
	int fd;

	(void)state;
	listen_at(tree_path("s"), &dead, &fd);
	close(fd);
	assert_false(can_connect(dead.path));
	listen_at(dead.path, &made, &fd);
	assert_true(can_connect(made.path));
	/* which the dead one, if it were only slow, must not remove */
	unix_socket_remove(&dead);
	assert_true(can_connect(made.path));
	close(fd);
	unix_socket_remove(&made);
	assert_int_equal(access(made.path, F_OK), -1);
}

/* Killed just now: a child that has the socket, too, follows a moment later. */
static void test_a_dying_one_is_replaced(void **state)
{
	static const struct timespec moment = {.tv_nsec = 60000000};
	struct unix_socket dying, made;
	pid_t child;
	int fd;

	(void)state;
	listen_at(tree_path("s"), &dying, &fd);
	child = fork();
	if (child == 0) {
		nanosleep(&moment, NULL);
		_exit(0);
	}
	close(fd);
	assert_true(can_connect(dying.path));
	listen_at(dying.path, &made, &fd);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(can_connect(made.path));
	close(fd);
	unix_socket_remove(&made);
}

static void test_a_living_one_is_not(void **state)
{
	struct unix_socket first, second = {.path = "untouched"};
	int fd, other = 99;

	(void)state;
	listen_at(tree_path("s"), &first, &fd);
	assert_int_equal(unix_socket_listen(first.path, &second, &other, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, "another agent listens at /tmp/lastout-unit-"));
	assert_int_equal(other, 99);
	assert_string_equal(second.path, "untouched");
	assert_true(can_connect(first.path));
	close(fd);
}

/* A listener that is busy has a full queue, and lives. */
static void test_nor_a_busy_one(void **state)
{
	struct unix_socket first, second;
	struct sockaddr_un address;
	int fd, other, clients[200];
	int count = 0;

	(void)state;
	listen_at(tree_path("s"), &first, &fd);
	assert_int_equal(unix_socket_address(first.path, &address, &error), 0);
	do {
		assert_true(count < 200);
		clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(clients[count++], (struct sockaddr *)&address, sizeof(address)) == 0);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(unix_socket_listen(first.path, &second, &other, &error), -EADDRINUSE);
	while (count)
		close(clients[--count]);
	close(fd);
}

static void test_what_is_no_socket_stays(void **state)
{
	struct unix_socket made;
	int fd = 99;

	(void)state;
	tree_put("file", "precious");
	assert_int_equal(unix_socket_listen(tree_path("file"), &made, &fd, &error), -EEXIST);
	assert_non_null(strstr(error.text, "/file is there and is no socket"));
	assert_int_equal(access(tree_path("file"), F_OK), 0);
	assert_int_equal(symlink("file", tree_path("link")), 0);
	assert_int_equal(unix_socket_listen(tree_path("link"), &made, &fd, &error), -EEXIST);
	assert_int_equal(fd, 99);
}

static void test_where_no_socket_can_be(void **state)
{
	struct unix_socket made;
	char path[300];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/%0*d", tree, 107 - (int)strlen(tree), 0);
	assert_int_equal(unix_socket_listen(path, &made, &fd, &error), -ENAMETOOLONG);
	assert_non_null(
		strstr(error.text, "may be 107 bytes long, this one is 108: /tmp/lastout-"));
	path[107] = '\0';
	listen_at(path, &made, &fd);
	assert_true(can_connect(path));
	close(fd);
	(void)snprintf(path, sizeof(path), "%s/no/such/folder", tree);
	assert_int_equal(unix_socket_listen(path, &made, &fd, &error), -ENOENT);
	(void)snprintf(path, sizeof(path), "cannot make %s/no/such: No such file or directory",
		       tree);
	assert_string_equal(error.text, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_for_its_owner_alone),     in_tree(test_a_folder_that_was_there_stays),
		in_tree(test_a_dead_one_is_replaced),  in_tree(test_a_dying_one_is_replaced),
		in_tree(test_a_living_one_is_not),     in_tree(test_nor_a_busy_one),
		in_tree(test_what_is_no_socket_stays), in_tree(test_where_no_socket_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
