// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "out/termination_text.h"

static struct container container_of(const char *comm, int status, uint64_t age_ns)
{
	struct container container = {
		.init = {.pid = 100, .comm = "goproc"},
		.last_task = {.process = {.pid = 4711, .start_ns = 5 * NS_PER_SEC},
			      .status = status,
			      .time_ns = 5 * NS_PER_SEC + age_ns,
			      .is_known = true},
	};

	(void)strcpy(container.last_task.process.comm, comm);
	return container;
}

static void check(const struct container *container, enum outcome_how how, const char *expected)
{
	struct outcome outcome = {.container = container, .how = how};
	struct buf out = {0};

	text_put_termination(&out, &outcome);
	assert_string_equal(out.data, expected);
	buf_done(&out);
}

static void check_unseen(const struct container *container, const char *expected)
{
	struct outcome outcome = {.container = container, .how = OUTCOME_STATUS, .is_unseen = true};
	struct buf out = {0};

	text_put_termination(&out, &outcome);
	assert_string_equal(out.data, expected);
	buf_done(&out);
}

static void check_age(uint64_t age_ns, const char *age)
{
	struct container container = container_of("sh", 0, age_ns);
	char expected[128];

	(void)snprintf(expected, sizeof(expected),
		       "lastout: last task sh[4711] exited with 0 after %s; killed goproc", age);
	check(&container, OUTCOME_KILL, expected);
}

static void test_each_way(void **state)
{
	struct container container = container_of("python3", 3 << 8, 12490 * NS_PER_MS);

	(void)state;
#define TASK "lastout: last task python3[4711] exited with 3 after 12.4 s; "
	check(&container, OUTCOME_STATUS, TASK "ended goproc by exit status");
	check(&container, OUTCOME_SIGNAL, TASK "ended goproc by signal");
	check(&container, OUTCOME_KILL, TASK "killed goproc");
	check(&container, OUTCOME_SELF, TASK "goproc ended by itself");
	check(&container, OUTCOME_DRY_RUN, TASK "would have ended goproc (dry run)");
#undef TASK
}

static void test_killed_task(void **state)
{
	struct container container = container_of("sh", SIGSEGV | 0x80, 2 * NS_PER_SEC);

	(void)state;
	check(&container, OUTCOME_STATUS,
	      "lastout: last task sh[4711] was killed by SIGSEGV (core) after 2.0 s; "
	      "ended goproc by exit status");
}

static void test_ages(void **state)
{
	(void)state;
	check_age(0, "0s");
	check_age(180 * NS_PER_MS, "180ms");
	check_age(NS_PER_SEC, "1.0 s");
	check_age(59990 * NS_PER_MS, "59.9 s");
	check_age(60 * NS_PER_SEC, "1m00s");
	check_age(98 * 3600 * NS_PER_SEC, "4d02h");
}

static void test_what_is_not_known(void **state)
{
	struct container container = container_of("sh", 0, NS_PER_SEC);

	(void)state;
	container.last_task.process.start_ns = 0;
	check(&container, OUTCOME_STATUS,
	      "lastout: last task sh[4711] exited with 0; ended goproc by exit status");
	container.last_task.process.start_ns = container.last_task.time_ns + 1;
	check(&container, OUTCOME_STATUS,
	      "lastout: last task sh[4711] exited with 0; ended goproc by exit status");
	container.last_task.is_known = false;
	check(&container, OUTCOME_STATUS, "lastout: ended goproc by exit status");
	check_unseen(&container, "lastout: how its last task ended was not seen; "
				 "ended goproc by exit status");
}

static void test_hostile_names(void **state)
{
	struct container container = container_of("a\nb\x1b[2J", 0, NS_PER_SEC);

	(void)state;
	(void)strcpy(container.init.comm, "x\ny");
	check(&container, OUTCOME_STATUS,
	      "lastout: last task a\\nb\\x1b[2J[4711] exited with 0 after 1.0 s; "
	      "ended x\\ny by exit status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_way),      cmocka_unit_test(test_killed_task),
		cmocka_unit_test(test_ages),	      cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
