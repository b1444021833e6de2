// SPDX-License-Identifier: Apache-2.0
#include "gvisor/gvisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "gvisor/listener.h"
#include "gvisor/roots.h"
#include "gvisor/state.h"
#include "gvisor/suspects.h"
#include "gvisor/unix_peers.h"
#include "host/pidfd.h"

struct found {
	struct sandboxes *owner;
	struct gvisor_process process;
	struct gvisor_sandbox *sandbox;
	struct gvisor_states states;
	uint64_t *keys; /* of each state's container */
	bool is_stale;	/* its state files have changed */
	struct found *prev, *next;
};

struct sandboxes {
	struct event_base *base;
	struct sandboxes_options options;
	struct gvisor_roots *roots;
	struct event *changed;
	struct event *look;
	struct suspects suspects;
	struct gvisor_listener *listener;
	struct found *all;
	uint64_t last_key;
};

/* --- what the state files say --- */

static uint64_t key_of(const struct found *found, const char *id)
{
	for (size_t i = 0; i < found->states.count; i++)
		if (strcmp(found->states.items[i].identity.id, id) == 0)
			return found->keys[i];
	return CONTAINER_GUEST_BIT | ++found->owner->last_key;
}

static int give_keys(const struct found *found, const struct gvisor_states *states,
		     uint64_t **ret_keys, struct gvisor_named **ret_named)
{
	uint64_t *keys = calloc(states->count + 1, sizeof(*keys));
	struct gvisor_named *named = calloc(states->count + 1, sizeof(*named));

	if (!keys || !named) {
		free(keys);
		free(named);
		return -ENOMEM;
	}
	for (size_t i = 0; i < states->count; i++) {
		const struct gvisor_state *state = &states->items[i];

		keys[i] = key_of(found, state->identity.id);
		named[i] = (struct gvisor_named){.id = state->identity.id,
						 .cgroup = state->cgroup ? state->cgroup : "",
						 .init_args = state->init_args,
						 .pod_uid = state->identity.pod_uid,
						 .key = keys[i]};
	}
	*ret_keys = keys;
	*ret_named = named;
	return 0;
}

static void set_states(struct found *found, struct gvisor_states *states)
{
	struct gvisor_named *named;
	uint64_t *keys;

	if (give_keys(found, states, &keys, &named) < 0) {
		gvisor_states_done(states);
		return;
	}
	/* Told to be removed while what is known of them is still there. */
	(void)gvisor_sandbox_set_containers(found->sandbox, named, states->count);
	gvisor_states_done(&found->states);
	free(found->keys);
	free(named);
	found->states = *states;
	found->keys = keys;
}

/* One that is being written means that another change will be told: until then nothing is concluded. */
static void read_states(struct found *found)
{
	const struct sandboxes_options *options = &found->owner->options;
	struct gvisor_states states;
	unsigned bad;

	found->is_stale = false;
	if (gvisor_states_read(options->prefix, found->process.root, found->process.id, &states,
			       &bad) < 0)
		return;
	if (bad)
		gvisor_states_done(&states);
	else
		set_states(found, &states);
}

/* --- sandboxes --- */

static void found_free(struct found *found)
{
	DL_DELETE(found->owner->all, found);
	gvisor_sandbox_free(found->sandbox);
	gvisor_states_done(&found->states);
	free(found->keys);
	free(found);
}

static void log_mode(const struct found *found, struct gvisor_sandbox *sandbox)
{
	enum gvisor_mode mode = gvisor_sandbox_mode(sandbox);
	bool is_good = mode == GVISOR_EVENTS || mode == GVISOR_GONE;
	struct log_line line;

	log_begin(&line, is_good ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "sandbox",
		  "a gVisor sandbox is watched otherwise");
	log_string(&line, "sandbox", found->process.id);
	log_string(&line, "watched_by", gvisor_mode_name(mode));
	log_string(&line, "reason", gvisor_sandbox_reason(sandbox));
	log_end(&line);
}

static void on_mode(void *context, struct gvisor_sandbox *sandbox)
{
	struct found *found = context;
	const struct sandboxes_options *options = &found->owner->options;

	log_mode(found, sandbox);
	if (options->on_mode)
		options->on_mode(options->context, sandbox);
}

static void on_stranger(void *context, struct gvisor_sandbox *sandbox)
{
	(void)sandbox;
	read_states(context);
}

static bool is_session_dead(void *context, struct gvisor_sandbox *sandbox)
{
	const struct found *found = context;
	struct unix_peers peers;

	(void)sandbox;
	return unix_peers_read(found->owner->options.proc, found->process.pid, &peers) == 0 &&
	       peers.connected == 0 && peers.orphaned > 0;
}

static void on_gone(void *context, struct gvisor_sandbox *sandbox)
{
	(void)sandbox;
	found_free(context);
}

/* The process is looked at again after its pidfd was opened: it is still the one that was found. */
static int open_process(struct sandboxes *sandboxes, const struct gvisor_process *process)
{
	struct gvisor_process again;
	int pidfd = pidfd_open_process(process->pid);

	if (pidfd < 0)
		return pidfd;
	if (gvisor_process_read(sandboxes->options.proc, process->pid, &again) == 0 &&
	    strcmp(again.id, process->id) == 0)
		return pidfd;
	(void)close(pidfd);
	return -ESRCH;
}

static int make_sandbox(struct found *found, const char *control_path)
{
	const struct sandboxes_options *options = &found->owner->options;
	struct gvisor_sandbox_options sandbox = {
		.id = found->process.id,
		.control_path = control_path,
		.pidfd = open_process(found->owner, &found->process),
		.helpers = options->helpers,
		.may_connect = options->socket != NULL,
		.observer = {.containers = options->observer,
			     .on_mode = on_mode,
			     .on_stranger = on_stranger,
			     .is_session_dead = is_session_dead,
			     .on_gone = on_gone,
			     .context = found},
	};

	if (sandbox.pidfd < 0)
		return sandbox.pidfd;
	return gvisor_sandbox_new(found->owner->base, &sandbox, &found->sandbox);
}

/* The state file of its own first container tells where it listens; only one that names this process. */
static const struct gvisor_state *own_state(const struct gvisor_states *states, pid_t pid)
{
	for (size_t i = 0; i < states->count; i++)
		if (states->items[i].sandbox_pid == pid)
			return &states->items[i];
	return NULL;
}

static struct found *add(struct sandboxes *sandboxes, const struct gvisor_process *process)
{
	struct found *found = calloc(1, sizeof(*found));
	const struct gvisor_state *own;
	struct gvisor_states states;
	unsigned bad;
	int err;

	if (!found)
		return NULL;
	found->owner = sandboxes;
	found->process = *process;
	err = gvisor_states_read(sandboxes->options.prefix, process->root, process->id, &states,
				 &bad);
	own = err ? NULL : own_state(&states, process->pid);
	/* Not written yet: the directory tells when it is. */
	if (!own || bad || make_sandbox(found, own->control_path) < 0) {
		if (!err)
			gvisor_states_done(&states);
		free(found);
		return NULL;
	}
	DL_APPEND(sandboxes->all, found);
	set_states(found, &states);
	return found;
}

static struct found *find_pid(struct sandboxes *sandboxes, pid_t pid)
{
	struct found *found;

	DL_FOREACH(sandboxes->all, found) {
		if (found->process.pid == pid)
			return found;
	}
	return NULL;
}

/*
 * The PID 1 of a namespace may as well be a container's, whose command line names a directory with state
 * files of its own making: there only the places count that are known from elsewhere.
 */
static bool may_be_anywhere(const struct sandboxes *sandboxes, const struct gvisor_process *process)
{
	return !sandboxes->options.is_only && !process->is_pid_1;
}

/* Not started yet if it is new. */
static struct found *find_or_add(struct sandboxes *sandboxes, const struct gvisor_process *process,
				 bool *ret_is_new)
{
	struct found *found = find_pid(sandboxes, process->pid);

	*ret_is_new = false;
	if (found)
		return found;
	if (may_be_anywhere(sandboxes, process))
		(void)gvisor_roots_add(sandboxes->roots, process->root); /* full: rereads remain */
	else if (!gvisor_roots_has(sandboxes->roots, process->root))
		return NULL;
	found = add(sandboxes, process);
	*ret_is_new = found != NULL;
	return found;
}

static void visit(void *context, const struct gvisor_process *process)
{
	bool is_new;
	struct found *found = find_or_add(context, process, &is_new);

	if (is_new)
		gvisor_sandbox_start(found->sandbox);
}

/* False: it may still turn out to be one. */
static bool look_at(struct sandboxes *sandboxes, pid_t pid)
{
	struct gvisor_process process;
	int err = gvisor_process_read(sandboxes->options.proc, pid, &process);

	if (err)
		return err == -ENOENT || err == -ESRCH;
	visit(sandboxes, &process);
	return find_pid(sandboxes, pid) != NULL;
}

static void look_again_later(struct sandboxes *sandboxes)
{
	uint64_t due_ns = suspects_due_ns(&sandboxes->suspects), now_ns = clock_boot_ns(), ms;
	struct timeval delay;

	if (!due_ns)
		return;
	ms = due_ns > now_ns ? (due_ns - now_ns) / NS_PER_MS + 1 : 0;
	delay = (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	(void)evtimer_add(sandboxes->look, &delay); /* or with the next one */
}

static void look_at_suspects(struct sandboxes *sandboxes)
{
	uint64_t now_ns = clock_boot_ns();
	pid_t pid;

	while ((pid = suspects_next(&sandboxes->suspects, now_ns)))
		if (look_at(sandboxes, pid))
			suspects_remove(&sandboxes->suspects, pid);
	if (suspects_next_all(&sandboxes->suspects, now_ns))
		(void)gvisor_process_scan(sandboxes->options.proc, visit, sandboxes);
	look_again_later(sandboxes);
}

void sandboxes_suspect(struct sandboxes *sandboxes, pid_t pid)
{
	if (find_pid(sandboxes, pid))
		return;
	suspects_add(&sandboxes->suspects, pid, clock_boot_ns());
	look_again_later(sandboxes);
}

void sandboxes_reread(struct sandboxes *sandboxes)
{
	suspects_add_all(&sandboxes->suspects, clock_boot_ns());
	look_at_suspects(sandboxes);
}

/* --- how they are noticed --- */

static void on_connected(void *context, int fd, pid_t pid)
{
	struct sandboxes *sandboxes = context;
	struct gvisor_process process;
	struct found *found = NULL;
	bool is_new;

	if (gvisor_process_read(sandboxes->options.proc, pid, &process) == 0)
		found = find_or_add(sandboxes, &process, &is_new);
	if (!found) {
		log_message(LOG_LEVEL_WARN, "sandbox",
			    "somebody who is no known gVisor sandbox sent events: not heard");
		(void)close(fd);
		return;
	}
	gvisor_sandbox_take_events(found->sandbox, fd);
	if (is_new)
		gvisor_sandbox_start(found->sandbox);
}

/* Known ones are read again; who is not known yet is looked at by the process that the file names. */
static void on_root(void *context, const char *root, const char *sandbox)
{
	struct sandboxes *sandboxes = context;
	struct gvisor_states states;
	struct found *found;

	DL_FOREACH(sandboxes->all, found) {
		if (!sandbox || strcmp(found->process.id, sandbox) == 0)
			found->is_stale = true;
	}
	if (gvisor_states_read(sandboxes->options.prefix, root, sandbox, &states, NULL) < 0)
		return;
	for (size_t i = 0; i < states.count; i++) {
		pid_t pid = states.items[i].sandbox_pid;

		if (pid && !find_pid(sandboxes, pid) && !look_at(sandboxes, pid))
			sandboxes_suspect(sandboxes, pid);
	}
	gvisor_states_done(&states);
}

static void on_changed(evutil_socket_t fd, short what, void *context)
{
	struct sandboxes *sandboxes = context;
	struct found *found;

	(void)fd;
	(void)what;
	(void)gvisor_roots_read(sandboxes->roots, on_root, sandboxes); /* rereads remain */
	DL_FOREACH(sandboxes->all, found) {
		if (found->is_stale)
			read_states(found);
	}
}

void sandboxes_reread_states(struct sandboxes *sandboxes)
{
	gvisor_roots_look_again(sandboxes->roots);
	on_changed(-1, 0, sandboxes);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look_at_suspects(context);
}

static int add_events(struct sandboxes *sandboxes, struct error *error)
{
	sandboxes->changed = event_new(sandboxes->base, gvisor_roots_fd(sandboxes->roots),
				       EV_READ | EV_PERSIST, on_changed, sandboxes);
	sandboxes->look = evtimer_new(sandboxes->base, on_look, sandboxes);
	if (!sandboxes->changed || !sandboxes->look || event_add(sandboxes->changed, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	return 0;
}

int sandboxes_new(struct event_base *base, const struct sandboxes_options *options,
		  struct sandboxes **ret_sandboxes, struct error *error)
{
	struct sandboxes *sandboxes = calloc(1, sizeof(*sandboxes));
	int err;

	if (!sandboxes)
		return error_set(error, -ENOMEM, "out of memory");
	sandboxes->base = base;
	sandboxes->options = *options;
	err = gvisor_roots_new(options->prefix, options->roots, &sandboxes->roots);
	if (err)
		(void)error_set(error, err, "cannot watch runsc's state directories: %s",
				strerror(-err));
	if (!err)
		err = add_events(sandboxes, error);
	if (!err && options->socket)
		err = gvisor_listener_new(base, options->socket, on_connected, sandboxes,
					  &sandboxes->listener, error);
	if (err) {
		sandboxes_free(sandboxes);
		return err;
	}
	on_changed(-1, 0, sandboxes);
	*ret_sandboxes = sandboxes;
	return 0;
}

void sandboxes_free(struct sandboxes *sandboxes)
{
	struct found *found, *next;

	if (!sandboxes)
		return;
	DL_FOREACH_SAFE(sandboxes->all, found, next)
		found_free(found);
	gvisor_listener_free(sandboxes->listener);
	if (sandboxes->changed)
		event_free(sandboxes->changed);
	if (sandboxes->look)
		event_free(sandboxes->look);
	gvisor_roots_free(sandboxes->roots);
	free(sandboxes);
}

/* --- questions --- */

static const struct gvisor_state *
find_state(struct sandboxes *sandboxes, const struct container *container, struct found **ret_found)
{
	struct found *found;

	DL_FOREACH(sandboxes->all, found) {
		for (size_t i = 0; i < found->states.count; i++) {
			if (found->keys[i] != container->cgroup)
				continue;
			*ret_found = found;
			return &found->states.items[i];
		}
	}
	return NULL;
}

struct gvisor_sandbox *sandboxes_find(struct sandboxes *sandboxes,
				      const struct container *container)
{
	struct found *found;

	return find_state(sandboxes, container, &found) ? found->sandbox : NULL;
}

const struct identity *sandboxes_identity(struct sandboxes *sandboxes,
					  const struct container *container)
{
	struct found *found;
	const struct gvisor_state *state = find_state(sandboxes, container, &found);

	return state ? &state->identity : NULL;
}

bool sandboxes_is_paused(struct sandboxes *sandboxes, const struct container *container)
{
	struct found *found;
	const struct gvisor_state *state = find_state(sandboxes, container, &found);

	return state && state->status == GVISOR_STATUS_PAUSED;
}

void sandboxes_for_each(struct sandboxes *sandboxes,
			void (*visit_one)(void *context, struct gvisor_sandbox *sandbox),
			void *context)
{
	struct found *found, *next;

	DL_FOREACH_SAFE(sandboxes->all, found, next)
		visit_one(context, found->sandbox);
}
