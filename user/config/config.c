// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "config/root.h"

int config_init(struct config *ret_config)
{
	struct config config = {.max_processes = 65536, .max_containers = 8192};
	int err = policy_set_init(&config.policies);

	if (err)
		return err;
	config.socket = strdup("/run/lastout/lastout.sock");
	config.pin = strdup(CONFIG_PIN);
	if (!config.socket || !config.pin) {
		config_done(&config);
		return -ENOMEM;
	}
	*ret_config = config;
	return 0;
}

static void strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

void config_done(struct config *config)
{
	free(config->metrics);
	free(config->socket);
	free(config->pin);
	for (int i = 0; i < CONFIG_RUNTIME_COUNT; i++)
		strings_free(config->state_dirs[i]);
	strings_free(config->helpers);
	strings_free(config->warnings);
	policy_set_done(&config->policies);
	memset(config, 0, sizeof(*config));
}

int config_parse(const char *name, const char *text, size_t len, struct config *ret_config,
		 struct error *error)
{
	struct config config = {0};
	const struct report report = {name, error, &config.warnings};
	struct tree root = {0};
	int err;

	if (len > CONFIG_SIZE_MAX)
		return error_set(error, -EFBIG, "%.200s: larger than %d bytes", name,
				 CONFIG_SIZE_MAX);
	err = tree_parse(&report, text, len, &root);
	if (!err && config_init(&config) < 0)
		err = report_no_memory(&report);
	if (!err)
		err = root_take(&report, &root, &config);
	tree_done(&root);
	if (err)
		config_done(&config);
	else
		*ret_config = config;
	return err;
}

/* Up to one byte more than may be, which shows that there is more. */
static int read_file(const char *path, struct buf *ret_text)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char chunk[4096];
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			buf_append(ret_text, chunk, (size_t)got);
	} while (got != 0 && ret_text->len <= CONFIG_SIZE_MAX && !ret_text->failed);
	return ret_text->failed ? -ENOMEM : 0;
}

int config_load(const char *path, struct config *ret_config, struct error *error)
{
	_cleanup_(buf_done) struct buf text = {0};
	int err = read_file(path, &text);

	if (err)
		return error_set(error, err, "%.200s: %s", path, strerror(-err));
	return config_parse(path, text.data ? text.data : "", text.len, ret_config, error);
}
