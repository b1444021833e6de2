// SPDX-License-Identifier: Apache-2.0
#include "gvisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	STATE_FILE_SIZE = 4 << 20, /* it has the container's whole OCI spec */
	STATE_FILES = 65536,	   /* in one directory */
	STATE_KEY_SIZE = 256,	   /* of an environment variable; longer ones are left out */
	STATE_PAIRS = 2048,	   /* of each kind; a list is looked through for each */
};

#define STATE_MIDDLE "_sandbox:"
#define STATE_SUFFIX ".state"

/* --- files, below a root --- */

static int open_beneath(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
			       .resolve = resolve};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* Nobody but root, or who we are, could have written it. */
static bool is_trusted(int fd, mode_t type)
{
	struct stat stat_buf;

	return fstat(fd, &stat_buf) == 0 &&
	       (stat_buf.st_uid == 0 || stat_buf.st_uid == geteuid()) &&
	       (stat_buf.st_mode & (S_IWGRP | S_IWOTH)) == 0 && (stat_buf.st_mode & S_IFMT) == type;
}

/* Links on the way are followed as the host would: `/var/run` is one. */
static int open_directory(const char *prefix, const char *root)
{
	_cleanup_close_ int base = open(*prefix ? prefix : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;

	if (base < 0)
		return -errno;
	fd = open_beneath(base, root, O_RDONLY | O_DIRECTORY,
			  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return fd;
	return is_trusted(fd, S_IFDIR) ? STEAL_FD(fd) : -EPERM;
}

/* Its length, or -1. */
static ssize_t read_whole(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static json_t *read_json(int directory, const char *name)
{
	_cleanup_close_ int fd = open_beneath(directory, name, O_RDONLY | O_NOFOLLOW,
					      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
						      RESOLVE_NO_MAGICLINKS);
	struct stat stat_buf;
	json_t *root = NULL;
	ssize_t len;
	char *text;

	if (fd < 0 || !is_trusted(fd, S_IFREG) || fstat(fd, &stat_buf) < 0 ||
	    stat_buf.st_size > STATE_FILE_SIZE)
		return NULL;
	text = malloc((size_t)stat_buf.st_size + 1);
	if (!text)
		return NULL;
	len = read_whole(fd, text, (size_t)stat_buf.st_size);
	if (len > 0)
		root = json_loadb(text, (size_t)len, 0, NULL);
	free(text);
	return root;
}

/* --- what is in them --- */

static const char *string_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const struct {
	const char *text;
	enum gvisor_status status;
} statuses[] = {
	{"creating", GVISOR_STATUS_CREATING}, {"created", GVISOR_STATUS_CREATED},
	{"running", GVISOR_STATUS_RUNNING},   {"paused", GVISOR_STATUS_PAUSED},
	{"stopped", GVISOR_STATUS_STOPPED},
};

static enum gvisor_status read_status(const char *text)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(text, statuses[i].text) == 0)
			return statuses[i].status;
	return GVISOR_STATUS_UNKNOWN;
}

static int take_annotations(json_t *annotations, struct identity_pairs *pairs)
{
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(annotations, key, value) {
		const char *text = json_string_value(value);

		if (text && pairs->count < STATE_PAIRS)
			err = identity_pairs_add(pairs, key, text);
		if (err)
			return err;
	}
	return 0;
}

static int take_env(const json_t *list, struct identity_pairs *pairs)
{
	for (size_t i = 0; i < json_array_size(list) && i < STATE_PAIRS; i++) {
		const char *entry = json_string_value(json_array_get(list, i));
		const char *equals = entry ? strchr(entry, '=') : NULL;
		char key[STATE_KEY_SIZE];
		int err;

		if (!equals || equals - entry >= STATE_KEY_SIZE)
			continue;
		memcpy(key, entry, (size_t)(equals - entry));
		key[equals - entry] = '\0';
		err = identity_pairs_add(pairs, key, equals + 1);
		if (err)
			return err;
	}
	return 0;
}

/* What containerd's and CRI-O's annotations tell, in this order. */
static const char *first_of(const struct identity_pairs *pairs, const char *one, const char *other)
{
	const char *value = identity_pairs_find(pairs, one);

	return value ? value : identity_pairs_find(pairs, other);
}

static int copy(const char *text, char **ret_copy)
{
	if (!text)
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy ? 0 : -ENOMEM;
}

static int take_names(struct identity *identity)
{
	const struct identity_pairs *pairs = &identity->annotations;
	const char *type = first_of(pairs, "io.kubernetes.cri.container-type",
				    "io.kubernetes.cri-o.ContainerType");
	const char *uid = first_of(pairs, "io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid");
	int err;

	identity->is_sandbox = type && strcmp(type, "sandbox") == 0;
	if (uid && strlen(uid) < sizeof(identity->pod_uid))
		memcpy(identity->pod_uid, uid, strlen(uid) + 1);
	err = copy(first_of(pairs, "io.kubernetes.cri.container-name",
			    "io.kubernetes.container.name"),
		   &identity->name);
	if (!err)
		err = copy(first_of(pairs, "io.kubernetes.cri.image-name",
				    "io.kubernetes.cri-o.ImageName"),
			   &identity->image);
	if (!err)
		err = copy(first_of(pairs, "io.kubernetes.cri.sandbox-name",
				    "io.kubernetes.pod.name"),
			   &identity->pod);
	if (!err)
		err = copy(first_of(pairs, "io.kubernetes.cri.sandbox-namespace",
				    "io.kubernetes.pod.namespace"),
			   &identity->namespace);
	return err;
}

static void take_args(const json_t *args, struct command_line *line)
{
	for (size_t i = 0; i < json_array_size(args); i++) {
		const char *argument = json_string_value(json_array_get(args, i));

		if (argument)
			command_line_add(line, argument);
	}
}

static int take_spec(const json_t *spec, struct gvisor_state *state)
{
	const json_t *process = json_object_get(spec, "process");
	const char *cgroup = string_at(json_object_get(spec, "linux"), "cgroupsPath");
	int err = take_annotations(json_object_get(spec, "annotations"),
				   &state->identity.annotations);

	if (!err)
		err = take_env(json_object_get(process, "env"), &state->identity.env);
	if (!err)
		err = take_names(&state->identity);
	if (!err && cgroup[0] == '/')
		err = copy(cgroup, &state->cgroup);
	take_args(json_object_get(process, "args"), &state->init_args);
	return err;
}

static int take_sandbox(const char *prefix, const json_t *sandbox, struct gvisor_state *state)
{
	json_int_t pid = json_integer_value(json_object_get(sandbox, "pid"));
	const char *control = string_at(sandbox, "controlSocketPath");

	state->sandbox_pid = pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
	if (!*control)
		return 0;
	if (control[0] != '/')
		return -EINVAL;
	return asprintf(&state->control_path, "%s%s", prefix, control) < 0 ? -ENOMEM : 0;
}

static void state_done(struct gvisor_state *state)
{
	identity_done(&state->identity);
	free(state->control_path);
	free(state->cgroup);
}

/* The file's name says whose it is; what it says itself must be the same. */
static int take_state(const char *prefix, const json_t *root, const char *id, const char *sandbox,
		      struct gvisor_state *ret_state)
{
	const json_t *sandbox_state = json_object_get(root, "sandbox");
	struct gvisor_state state = {.identity = {.runtime = RUNTIME_RUNSC}};
	int err;

	if (strcmp(string_at(root, "id"), id) != 0 ||
	    strcmp(string_at(sandbox_state, "id"), sandbox) != 0)
		return -EINVAL;
	(void)snprintf(state.identity.id, sizeof(state.identity.id), "%s", id);
	(void)snprintf(state.sandbox, sizeof(state.sandbox), "%s", sandbox);
	state.status = read_status(string_at(root, "status"));
	err = take_sandbox(prefix, sandbox_state, &state);
	if (!err)
		err = take_spec(json_object_get(root, "spec"), &state);
	if (err)
		state_done(&state);
	else
		*ret_state = state;
	return err;
}

/* --- the directory --- */

bool gvisor_state_parse_name(const char *name, struct gvisor_file_name *ret_name)
{
	const char *middle = strstr(name, STATE_MIDDLE), *sandbox;
	size_t id_len, len;

	if (!middle)
		return false;
	id_len = (size_t)(middle - name);
	sandbox = middle + strlen(STATE_MIDDLE);
	len = strlen(sandbox);
	if (len <= strlen(STATE_SUFFIX) ||
	    strcmp(sandbox + len - strlen(STATE_SUFFIX), STATE_SUFFIX) != 0)
		return false;
	len -= strlen(STATE_SUFFIX);
	if (id_len == 0 || id_len >= sizeof(ret_name->id) || len >= sizeof(ret_name->sandbox))
		return false;
	(void)snprintf(ret_name->id, sizeof(ret_name->id), "%.*s", (int)id_len, name);
	(void)snprintf(ret_name->sandbox, sizeof(ret_name->sandbox), "%.*s", (int)len, sandbox);
	return true;
}

static int add_state(struct gvisor_states *states, struct gvisor_state *state)
{
	struct gvisor_state *items = reallocarray(states->items, states->count + 1,
						  sizeof(*states->items));

	if (!items)
		return -ENOMEM;
	states->items = items;
	items[states->count++] = *state;
	return 0;
}

static int read_file(const char *prefix, int directory, const char *name,
		     const struct gvisor_file_name *parsed, struct gvisor_states *states)
{
	json_t *root = read_json(directory, name);
	struct gvisor_state state;
	int err = root ? take_state(prefix, root, parsed->id, parsed->sandbox, &state) : -EINVAL;

	json_decref(root);
	if (err)
		return err;
	err = add_state(states, &state);
	if (err)
		state_done(&state);
	return err;
}

int gvisor_states_read(const char *prefix, const char *root, const char *sandbox,
		       struct gvisor_states *ret_states, unsigned *ret_bad)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct gvisor_states states = {0};
	const struct dirent *entry;
	struct gvisor_file_name parsed;
	unsigned bad = 0, seen = 0;
	int fd = open_directory(prefix, root);

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir)) && seen++ < STATE_FILES) {
		if (!gvisor_state_parse_name(entry->d_name, &parsed) ||
		    (sandbox && strcmp(parsed.sandbox, sandbox) != 0))
			continue;
		if (read_file(prefix, dirfd(dir), entry->d_name, &parsed, &states) < 0)
			bad++;
	}
	*ret_states = states;
	if (ret_bad)
		*ret_bad = bad;
	return 0;
}

void gvisor_states_done(struct gvisor_states *states)
{
	for (size_t i = 0; i < states->count; i++)
		state_done(&states->items[i]);
	free(states->items);
	*states = (struct gvisor_states){0};
}
