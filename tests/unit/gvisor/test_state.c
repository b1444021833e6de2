// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "gvisor/state.h"
#include "tree.h"

/* As two releases write it; only what is read. */
#define OLD                                                                                        \
	"{\"id\":\"web\",\"spec\":{\"process\":{\"args\":[\"/bin/goproc\",\"-x\"],\"env\":"        \
	"[\"PATH=/bin\",\"LASTOUT_POLICY=quick\",\"EMPTY=\",\"odd\"]},\"linux\":{\"cgroupsPath\":" \
	"\"/docker/web\"},\"annotations\":{\"lastout/policy\":\"off\",\"n\":7}},\"status\":"       \
	"\"running\",\"sandbox\":{\"id\":\"web\",\"pid\":27114}}"
#define POD                                                                                          \
	"{\"id\":\"app\",\"spec\":{\"process\":{\"args\":[]},\"linux\":{\"cgroupsPath\":\"a:b:c\"}," \
	"\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","                       \
	"\"io.kubernetes.cri.sandbox-id\":\"pod\",\"io.kubernetes.cri.container-name\":\"main\","    \
	"\"io.kubernetes.cri.sandbox-name\":\"job-1\",\"io.kubernetes.cri.sandbox-namespace\":"      \
	"\"batch\",\"io.kubernetes.cri.sandbox-uid\":\"2d3c6a5e-0000-4000-8000-000000000000\","      \
	"\"io.kubernetes.cri.image-name\":\"img:1\"}},\"status\":\"paused\",\"sandbox\":"            \
	"{\"id\":\"pod\",\"pid\":4711,\"controlSocketPath\":\"/run/r/runsc-pod.sock\"}}"

static unsigned bad;

static int read_states(const char *sandbox, struct gvisor_states *ret_states)
{
	bad = 99;
	return gvisor_states_read(tree, "/run/r", sandbox, ret_states, &bad);
}

static void test_read(void **state)
{
	struct gvisor_states states;
	const struct gvisor_state *web;

	(void)state;
	tree_put("run/r/web_sandbox:web.state", OLD);
	tree_put("run/r/web_sandbox:web.lock", "");
	tree_put("run/r/runsc-web.sock", "");
	assert_int_equal(read_states(NULL, &states), 0);
	assert_int_equal(bad, 0);
	assert_int_equal(states.count, 1);
	web = &states.items[0];
	assert_string_equal(web->identity.id, "web");
	assert_int_equal(web->identity.runtime, RUNTIME_RUNSC);
	assert_string_equal(web->sandbox, "web");
	assert_int_equal(web->sandbox_pid, 27114);
	assert_null(web->control_path);
	assert_string_equal(web->cgroup, "/docker/web");
	assert_string_equal(command_line_argument(&web->init_args, 0), "/bin/goproc");
	assert_int_equal(web->status, GVISOR_STATUS_RUNNING);
	assert_string_equal(identity_pairs_find(&web->identity.annotations, "lastout/policy"),
			    "off");
	assert_null(identity_pairs_find(&web->identity.annotations, "n"));
	assert_string_equal(identity_pairs_find(&web->identity.env, "LASTOUT_POLICY"), "quick");
	assert_string_equal(identity_pairs_find(&web->identity.env, "EMPTY"), "");
	assert_null(web->identity.name);
	assert_false(web->identity.is_sandbox);
	gvisor_states_done(&states);
}

static void test_pod(void **state)
{
	struct gvisor_states states;
	const struct gvisor_state *app;
	char control[64];

	(void)state;
	tree_put("run/r/app_sandbox:pod.state", POD);
	tree_put("run/r/web_sandbox:web.state", OLD);
	assert_int_equal(read_states("pod", &states), 0);
	assert_int_equal(states.count, 1);
	app = &states.items[0];
	assert_string_equal(app->sandbox, "pod");
	assert_string_equal(app->identity.name, "main");
	assert_string_equal(app->identity.pod, "job-1");
	assert_string_equal(app->identity.namespace, "batch");
	assert_string_equal(app->identity.image, "img:1");
	assert_string_equal(app->identity.pod_uid, "2d3c6a5e-0000-4000-8000-000000000000");
	assert_false(app->identity.is_sandbox);
	assert_int_equal(app->status, GVISOR_STATUS_PAUSED);
	assert_int_equal(app->init_args.answer, ANSWER_UNREADABLE);
	assert_null(app->cgroup);
	/* a path of the host's */
	(void)snprintf(control, sizeof(control), "%s/run/r/runsc-pod.sock", tree);
	assert_string_equal(app->control_path, control);
	gvisor_states_done(&states);
	assert_int_equal(read_states(NULL, &states), 0);
	assert_int_equal(states.count, 2);
	gvisor_states_done(&states);
}

static void test_left_out(void **state)
{
	struct gvisor_states states;

	(void)state;
	/* being written, not JSON, another's id, another's sandbox, what is too long */
	tree_put("run/r/a_sandbox:a.state", "");
	tree_put("run/r/b_sandbox:b.state", "{\"id\":\"b\"");
	tree_put("run/r/c_sandbox:web.state", OLD);
	tree_put("run/r/web_sandbox:other.state", OLD);
	/* names that are none */
	tree_put("run/r/web.state", OLD);
	tree_put("run/r/_sandbox:web.state", OLD);
	tree_put("run/r/web_sandbox:.state", OLD);
	tree_put("run/r/web_sandbox:web.state.tmp", OLD);
	/* what leads elsewhere, what others may write, what is no file */
	tree_put("run/elsewhere", OLD);
	assert_int_equal(symlink("../elsewhere", tree_path("run/r/web_sandbox:web.state")), 0);
	tree_put("run/r/d_sandbox:d.state", OLD);
	assert_int_equal(chmod(tree_path("run/r/d_sandbox:d.state"), 0666), 0);
	assert_int_equal(mkfifo(tree_path("run/r/e_sandbox:e.state"), 0600), 0);
	assert_int_equal(read_states(NULL, &states), 0);
	assert_int_equal(states.count, 0);
	assert_int_equal(bad, 7);
	gvisor_states_done(&states);
}

static void test_directory(void **state)
{
	struct gvisor_states states;

	(void)state;
	assert_int_equal(read_states(NULL, &states), -ENOENT);
	tree_put("run/s/web_sandbox:web.state", OLD);
	/* as /var/run is a link to /run: within the prefix */
	assert_int_equal(symlink("/run/s", tree_path("run/r")), 0);
	assert_int_equal(read_states(NULL, &states), 0);
	assert_int_equal(states.count, 1);
	gvisor_states_done(&states);
	assert_int_equal(chmod(tree_path("run/s"), 0777), 0);
	assert_int_equal(read_states(NULL, &states), -EPERM);
}

/* --- the host's process --- */

#define COMMAND "runsc-sandbox\0--root=/run/runsc\0--debug=false\0boot\0--bundle=/b\0web"

/* The namespace of the process: ours, which is one file under many names. */
static void put_namespace(const char *pid)
{
	char ours[256], name[64];

	(void)snprintf(ours, sizeof(ours), "%s/namespace", tree);
	(void)snprintf(name, sizeof(name), "%s/ns/pid", pid);
	if (access(tree_path(name), F_OK) < 0)
		assert_int_equal(link(ours, tree_path(name)), 0);
}

static void put_ourselves(void)
{
	char pid[16];

	tree_put("namespace", "");
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	put_namespace(pid);
}

static void put(const char *pid, const char *command, size_t len)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s/cmdline", pid);
	tree_put_bytes(name, command, len);
	put_namespace(pid);
}

static void put_elsewhere(const char *pid, const char *status)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s/cmdline", pid);
	tree_put_bytes(name, COMMAND, sizeof(COMMAND));
	(void)snprintf(name, sizeof(name), "%s/ns/pid", pid);
	tree_put(name, "");
	(void)snprintf(name, sizeof(name), "%s/status", pid);
	tree_put(name, status);
}

static void test_process(void **state)
{
	struct gvisor_process process;

	(void)state;
	put_ourselves();
	put("7", COMMAND, sizeof(COMMAND));
	assert_int_equal(gvisor_process_read(tree, 7, &process), 0);
	assert_int_equal(process.pid, 7);
	assert_string_equal(process.id, "web");
	assert_string_equal(process.root, "/run/runsc");
	assert_false(process.is_pid_1);
	/* of another PID namespace: a container's process that only calls itself so */
	put_elsewhere("8", "NSpid:\t8\t5\n");
	assert_int_equal(gvisor_process_read(tree, 8, &process), -ENOENT);
	put_elsewhere("8", "NSpid:\t8\t5\t1\n");
	assert_int_equal(gvisor_process_read(tree, 8, &process), -ENOENT);
	/* that one's PID 1: perhaps */
	put_elsewhere("8", "NSpid:\t8\t1\n");
	assert_int_equal(gvisor_process_read(tree, 8, &process), 0);
	assert_string_equal(process.id, "web");
	assert_true(process.is_pid_1);
	assert_int_equal(gvisor_process_read(tree, 9, &process), -ENOENT);
	/* in the middle of its exec */
	put("10", "", 0);
	assert_int_equal(gvisor_process_read(tree, 10, &process), -EAGAIN);
}

static void test_no_sandbox(void **state)
{
	static const struct {
		const char *command;
		size_t len;
	} cases[] = {
#define CASE(text) {text, sizeof(text)}
		CASE("runsc-gofer\0--root=/run/runsc\0gofer\0web"),
		CASE("runsc-sandbox"),
		CASE("runsc-sandbox\0boot\0web"),
		CASE("runsc-sandbox\0--root=relative\0boot\0web"),
		CASE("runsc-sandbox\0--root=\0boot\0web"),
		CASE("runsc-sandbox\0--root=/run/*\0boot\0web"),
		CASE("runsc-sandbox\0--root=/run/runsc/../x\0boot\0web"),
		CASE("runsc-sandbox\0--root=/run/runsc"),
		CASE("runsc-sandbox\0--root=/run/runsc\0boot\0a/b"),
		CASE("runsc-sandbox\0--root=/run/runsc\0boot\0"),
		{"runsc-sandbox\0--root=/r\0web", sizeof("runsc-sandbox\0--root=/r\0web") - 1},
#undef CASE
	};
	struct gvisor_process process;

	(void)state;
	put_ourselves();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("7", cases[i].command, cases[i].len);
		if (gvisor_process_read(tree, 7, &process) != -ENOENT)
			fail_msg("case %zu is a sandbox: %s", i, process.id);
	}
}

static unsigned visited;

static void visit(void *context, const struct gvisor_process *process)
{
	assert_ptr_equal(context, &visited);
	assert_string_equal(process->id, "web");
	visited++;
}

static void test_scan(void **state)
{
	(void)state;
	visited = 0;
	put_ourselves();
	put("7", COMMAND, sizeof(COMMAND));
	put("70", COMMAND, sizeof(COMMAND));
	put("71", "sh\0-c\0x", sizeof("sh\0-c\0x"));
	put_elsewhere("72", "NSpid:\t72\t1\n"); /* not even asked what it calls itself */
	tree_put("version", "");
	assert_int_equal(gvisor_process_scan(tree, visit, &visited), 0);
	assert_int_equal(visited, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_read),	 in_tree(test_pod),	in_tree(test_left_out),
		in_tree(test_directory), in_tree(test_process), in_tree(test_no_sandbox),
		in_tree(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
