// SPDX-License-Identifier: Apache-2.0
#include "config/agent_section.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/value.h"

/* --- metrics --- */

static bool is_port(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5 && atoi(text) >= 1 &&
	       atoi(text) <= 65535;
}

bool config_is_endpoint(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	if (!colon || len == 0 || len > sizeof(address) || !is_port(colon + 1))
		return false;
	if (text[0] != '[') {
		if (len == sizeof(address))
			return false;
		memcpy(address, text, len);
		address[len] = '\0';
		return inet_pton(AF_INET, address, &in) == 1;
	}
	if (len < 3 || text[len - 1] != ']')
		return false;
	memcpy(address, text + 1, len - 2);
	address[len - 2] = '\0';
	return inet_pton(AF_INET6, address, &in6) == 1;
}

static int take_metrics(const struct report *report, const struct tree *value, int index,
			void *config)
{
	const char *text = value_text(report, value);

	(void)index;
	if (!text)
		return -EINVAL;
	if (!config_is_endpoint(text))
		return report_at(report, value->place,
				 "'%.80s' is no ADDRESS:PORT; write one like 127.0.0.1:9871, "
				 "0.0.0.0:9871 or '[::1]:9871'",
				 text);
	return value_replace(report, &((struct config *)config)->metrics, text);
}

/* --- paths --- */

static int take_socket(const struct report *report, const struct tree *value, int index,
		       void *config)
{
	const char *path = value_path(report, value, sizeof(((struct sockaddr_un *)0)->sun_path));

	(void)index;
	return path ? value_replace(report, &((struct config *)config)->socket, path) : -EINVAL;
}

static int take_pin(const struct report *report, const struct tree *value, int index, void *config)
{
	const char *path = value_text(report, value);

	(void)index;
	if (path && strcmp(path, "none") != 0)
		path = value_path(report, value, PATH_MAX);
	return path ? value_replace(report, &((struct config *)config)->pin, path) : -EINVAL;
}

static int take_state_dir(const struct report *report, const struct tree *item, void *strings)
{
	const char *path = value_path(report, item, PATH_MAX);

	return path ? value_append(report, strings, path) : -EINVAL;
}

static int take_dirs_of_runtime(const struct report *report, const struct tree *value, int index,
				void *config)
{
	return value_each_of_some(report, value, take_state_dir,
				  &((struct config *)config)->state_dirs[index]);
}

const struct key_row state_dirs_keys[] = {
	{"runc", take_dirs_of_runtime, CONFIG_RUNC},
	{"crun", take_dirs_of_runtime, CONFIG_CRUN},
	{"containerd", take_dirs_of_runtime, CONFIG_CONTAINERD},
	{"docker", take_dirs_of_runtime, CONFIG_DOCKER},
	{"podman", take_dirs_of_runtime, CONFIG_PODMAN},
	{"crio", take_dirs_of_runtime, CONFIG_CRIO},
	{"runsc", take_dirs_of_runtime, CONFIG_RUNSC},
	{0},
};

static int take_state_dirs(const struct report *report, const struct tree *value, int index,
			   void *config)
{
	(void)index;
	return keys_take(report, value, "state_dirs", state_dirs_keys, config);
}

/* --- sizes --- */

static int take_max_processes(const struct report *report, const struct tree *value, int index,
			      void *config)
{
	uint64_t number;
	int err = value_number(report, value, CONFIG_PROCESSES_MIN, CONFIG_PROCESSES_MAX, &number);

	(void)index;
	if (!err)
		((struct config *)config)->max_processes = (unsigned)number;
	return err;
}

static int take_max_containers(const struct report *report, const struct tree *value, int index,
			       void *config)
{
	uint64_t number;
	int err = value_number(report, value, CONFIG_CONTAINERS_MIN, CONFIG_CONTAINERS_MAX,
			       &number);

	(void)index;
	if (!err)
		((struct config *)config)->max_containers = (unsigned)number;
	return err;
}

const struct key_row agent_keys[] = {
	{"metrics", take_metrics, 0},
	{"socket", take_socket, 0},
	{"pin", take_pin, 0},
	{"max_processes", take_max_processes, 0},
	{"max_containers", take_max_containers, 0},
	{"state_dirs", take_state_dirs, 0},
	{0},
};

int section_agent(const struct report *report, const struct tree *value, int index, void *config)
{
	(void)index;
	return keys_take(report, value, "agent", agent_keys, config);
}
