// SPDX-License-Identifier: Apache-2.0
/* Loads and attaches the programs, on maps of their own or on those that are pinned. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/private.h"

static char libbpf_words[256];

static int keep_words(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN || libbpf_words[0])
		return 0;
	(void)vsnprintf(libbpf_words, sizeof(libbpf_words), format, args); /* cut is fine */
	libbpf_words[strcspn(libbpf_words, "\n")] = '\0';
	return 0;
}

void bpf_load_keep_words(void)
{
	(void)libbpf_set_print(keep_words);
}

/* Which hooks are loaded at all: none, where others are attached already. */
enum hooks { HOOKS_CLASSIC, HOOKS_BTF, HOOKS_NONE };

static bool is_loaded(const struct lastout_bpf *skeleton, const struct bpf_program *program,
		      enum hooks hooks)
{
	if (program == skeleton->progs.adopt || program == skeleton->progs.sweep ||
	    program == skeleton->progs.holders)
		return true;
	if (program == skeleton->progs.exit_classic || program == skeleton->progs.fork_classic ||
	    program == skeleton->progs.rename_classic || program == skeleton->progs.exec_classic)
		return hooks == HOOKS_CLASSIC;
	if (program == skeleton->progs.exit_btf || program == skeleton->progs.fork_btf ||
	    program == skeleton->progs.rename_btf || program == skeleton->progs.exec_btf)
		return hooks == HOOKS_BTF;
	return hooks != HOOKS_NONE; /* these have one variant */
}

bool bpf_load_is_hook(const struct lastout_bpf *skeleton, const struct bpf_program *program,
		      bool is_classic)
{
	return !is_loaded(skeleton, program, HOOKS_NONE) &&
	       is_loaded(skeleton, program, is_classic ? HOOKS_CLASSIC : HOOKS_BTF);
}

static void choose_programs(struct lastout_bpf *skeleton, enum hooks hooks)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj)(void)
		bpf_program__set_autoload(program, is_loaded(skeleton, program, hooks));
	/* The iterators run when they are read: nothing is to be attached for that. */
	(void)bpf_program__set_autoattach(skeleton->progs.adopt, false);
	(void)bpf_program__set_autoattach(skeleton->progs.sweep, false);
	(void)bpf_program__set_autoattach(skeleton->progs.holders, false);
}

/* A tracepoint link that is only a perf event dies with us and cannot be pinned: not good enough. */
static bool is_real_link(const struct bpf_link *link)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &size) == 0;
}

static int attach_iterators(struct lastout_bpf *skeleton)
{
	skeleton->links.adopt = bpf_program__attach_iter(skeleton->progs.adopt, NULL);
	if (!skeleton->links.adopt)
		return -errno;
	skeleton->links.sweep = bpf_program__attach_iter(skeleton->progs.sweep, NULL);
	if (!skeleton->links.sweep)
		return -errno;
	skeleton->links.holders = bpf_program__attach_iter(skeleton->progs.holders, NULL);
	return skeleton->links.holders ? 0 : -errno;
}

static void set_sizes(struct lastout_bpf *skeleton, const struct abi_version *version)
{
	/* Fails for maps that exist already only, which none does yet. */
	(void)bpf_map__set_max_entries(skeleton->maps.processes, version->max_processes);
	(void)bpf_map__set_max_entries(skeleton->maps.ring, version->settings.ring_bytes);
	(void)bpf_map__set_max_entries(skeleton->maps.containers, version->max_containers);
	(void)bpf_map__set_max_entries(skeleton->maps.confirmed, version->max_containers);
	(void)bpf_map__set_max_entries(skeleton->maps.history, version->max_containers);
}

/* `shared`: a set of pins whose maps to use; NULL: new ones. */
static int load_hooks(const struct abi_version *version, enum hooks hooks,
		      const struct bpf_pin_set *shared, struct lastout_bpf **ret_skeleton)
{
	struct lastout_bpf *skeleton = lastout_bpf__open();
	uint64_t question_at = bpf_holders_question();
	int err = 0;

	if (!skeleton)
		return -ENOMEM; /* what it opens is in our own binary */
	memcpy((void *)&skeleton->rodata->settings, &version->settings, sizeof(version->settings));
	memcpy((void *)&skeleton->rodata->question_at, &question_at, sizeof(question_at));
	choose_programs(skeleton, hooks);
	if (shared)
		err = bpf_pin_share_maps(shared, skeleton);
	else
		set_sizes(skeleton, version);
	if (!err)
		err = lastout_bpf__load(skeleton);
	if (!err)
		err = attach_iterators(skeleton);
	if (!err)
		err = lastout_bpf__attach(skeleton);
	if (!err && hooks == HOOKS_CLASSIC && !is_real_link(skeleton->links.exit_classic))
		err = -EOPNOTSUPP;
	if (err) {
		lastout_bpf__destroy(skeleton);
		return err;
	}
	*ret_skeleton = skeleton;
	return 0;
}

static int explain_load(int err, struct error *error)
{
	if (err == -EPERM || err == -EACCES)
		return error_set(error, err,
				 "the kernel refuses to load BPF programs: %s; run as root, with "
				 "CAP_BPF and CAP_PERFMON (%s)",
				 strerror(-err), libbpf_words);
	if (err == -ESRCH || err == -ENOENT)
		return error_set(error, err,
				 "the kernel's type information (BTF) lacks what is needed: %s; a "
				 "kernel since 5.10 with CONFIG_DEBUG_INFO_BTF=y is (%s)",
				 strerror(-err), libbpf_words);
	return error_set(error, err, "cannot load the BPF programs: %s (%s)", strerror(-err),
			 libbpf_words);
}

/*
 * BTF hooks need no tracefs, and nothing has to be looked at in case that a run was skipped. Where the
 * kernel skips runs of them, classic ones are better. Which one is not the better one does as well.
 */
static enum hooks wanted_hooks(const struct bpf_source *source)
{
	/* For tests: a kernel has one answer, and both variants have to work. */
	const char *forced = getenv("LASTOUT_HOOKS");

	if (forced && strcmp(forced, "classic") == 0)
		return HOOKS_CLASSIC;
	if (forced && strcmp(forced, "btf") == 0)
		return HOOKS_BTF;
	return source->is_preempted ? HOOKS_CLASSIC : HOOKS_BTF;
}

static int load_variant(struct bpf_source *source, enum hooks hooks,
			const struct bpf_pin_set *shared)
{
	libbpf_words[0] = '\0';
	source->version.is_classic = hooks == HOOKS_CLASSIC;
	return load_hooks(&source->version, hooks, shared, &source->skeleton);
}

/* Why the wanted hooks cannot be had, and what would help. BTF ones can, wherever anything can. */
static void note_lack(struct bpf_source *source, enum hooks wanted, int err)
{
	if (wanted == HOOKS_BTF)
		(void)error_set(&source->lack, err, "BTF hooks cannot be loaded: %s (%s)",
				strerror(-err), libbpf_words);
	else if (err == -ENOENT)
		(void)error_set(&source->lack, err,
				"classic hooks need tracefs; mount it: mount -t tracefs tracefs "
				"/sys/kernel/tracing");
	else if (err == -EACCES || err == -EPERM)
		(void)error_set(&source->lack, err,
				"classic hooks need CAP_SYS_ADMIN where kernel.perf_event_paranoid "
				"is 3 or more, else CAP_PERFMON (%s)",
				strerror(-err));
	else
		(void)error_set(&source->lack, err,
				"classic hooks cannot be kept by this kernel: %s", strerror(-err));
}

static int load_new(struct bpf_source *source, const struct bpf_pin_set *shared,
		    struct error *error)
{
	enum hooks wanted = wanted_hooks(source);
	enum hooks other = wanted == HOOKS_BTF ? HOOKS_CLASSIC : HOOKS_BTF;
	char words[sizeof(libbpf_words)];
	int err = load_variant(source, wanted, shared), other_err;

	if (!err)
		return 0;
	note_lack(source, wanted, err);
	memcpy(words, libbpf_words, sizeof(words));
	other_err = load_variant(source, other, shared);
	if (!other_err)
		return 0;
	/* What BTF hooks lack is what the user has to give: those need less. */
	if (wanted == HOOKS_BTF)
		memcpy(libbpf_words, words, sizeof(words));
	return explain_load(wanted == HOOKS_BTF ? err : other_err, error);
}

/* FNV-1a: tells one build's programs from another's, and nothing more. */
static uint64_t hash_object(void)
{
	struct lastout_bpf *skeleton = lastout_bpf__open();
	uint64_t hash = 0xcbf29ce484222325;
	const uint8_t *bytes;

	if (!skeleton)
		return 0;
	bytes = skeleton->skeleton->data;
	for (size_t i = 0; i < skeleton->skeleton->data_sz; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	lastout_bpf__destroy(skeleton);
	return hash;
}

static int fill_version(struct bpf_source *source, struct error *error)
{
	struct abi_version *version = &source->version;
	int err;

	version->layout = ABI_LAYOUT;
	version->object = hash_object();
	version->max_processes = source->options.max_processes ? source->options.max_processes :
								 SOURCE_PROCESSES;
	version->max_containers = source->options.max_containers ? source->options.max_containers :
								   SOURCE_CONTAINERS;
	err = bpf_kernel_look_up(source->options.controller, &source->options.settings,
				 &source->is_preempted, error);
	if (!source->options.settings.ring_bytes)
		source->options.settings.ring_bytes = SOURCE_RING_BYTES;
	version->settings = source->options.settings;
	return err;
}

/* Made for maps like ours, about the same cgroups. */
static bool has_our_maps(const struct abi_version *theirs, const struct abi_version *ours)
{
	return theirs->layout == ours->layout && theirs->max_processes == ours->max_processes &&
	       theirs->max_containers == ours->max_containers &&
	       theirs->settings.ring_bytes == ours->settings.ring_bytes &&
	       theirs->settings.subsystem == ours->settings.subsystem &&
	       theirs->settings.hierarchy_id == ours->settings.hierarchy_id;
}

static bool has_our_programs(const struct abi_version *theirs, const struct abi_version *ours)
{
	return theirs->object == ours->object &&
	       memcmp(&theirs->settings, &ours->settings, sizeof(ours->settings)) == 0;
}

static void log_pins(enum log_level level, const char *message, const char *path)
{
	struct log_line line;

	log_begin(&line, level, "pins", message);
	log_string(&line, "pins", path);
	log_end(&line);
}

/* Back to where nothing was loaded. What is pinned stays as it is. */
static void unload(struct bpf_source *source)
{
	lastout_bpf__destroy(source->skeleton);
	source->skeleton = NULL;
	for (unsigned i = 0; i < source->program_count; i++) {
		(void)close(source->links[i]);
		(void)close(source->programs[i]);
	}
	source->program_count = 0;
}

/* No message: whoever cannot take over replaces. */
static int take_over(struct bpf_source *source, const struct bpf_pin_set *set)
{
	int err = load_hooks(&source->version, HOOKS_NONE, set, &source->skeleton);

	if (!err)
		err = bpf_pin_open_links(set, source);
	if (err) {
		unload(source);
		return err;
	}
	source->is_taken_over = true;
	source->has_counts = true;
	source->version.is_classic = set->version.is_classic;
	(void)snprintf(source->pins, sizeof(source->pins), "%s", set->path);
	log_pins(LOG_LEVEL_INFO, "counting went on meanwhile: its pins are taken over", set->path);
	return 0;
}

/* Programs of our own on the maps of the set; -errno without a message if those are no good. */
static int replace_programs(struct bpf_source *source, const struct bpf_pin_set *set)
{
	struct error error;
	int err = load_new(source, set, &error);

	if (err)
		return err;
	source->has_counts = true;
	log_pins(LOG_LEVEL_INFO, "pins of another version are replaced; their counts stay",
		 set->path);
	return 0;
}

/*
 * The set is ours, but its hooks are of the variant that is not wanted: the agent that made it had no
 * tracefs, say, or not the capability. As after an upgrade, new programs take the set's maps.
 */
static int replace_variant(struct bpf_source *source, const struct bpf_pin_set *set,
			   struct error *error)
{
	enum hooks wanted = wanted_hooks(source);
	int err;

	if (set->version.is_classic == (wanted == HOOKS_CLASSIC))
		return -EALREADY;
	err = load_variant(source, wanted, set);
	if (err) {
		note_lack(source, wanted, err);
		return err; /* still out of reach: the pinned ones will do */
	}
	source->has_counts = true;
	log_pins(LOG_LEVEL_INFO,
		 "pinned hooks of the other variant are replaced; their counts stay", set->path);
	(void)snprintf(source->old_pins, sizeof(source->old_pins), "%s", set->path);
	err = bpf_pin_make(source, error);
	if (err) {
		source->old_pins[0] = '\0';
		source->has_counts = false;
		unload(source);
	}
	return err;
}

static int replace_all(struct bpf_source *source, const struct bpf_pin_set *set,
		       struct error *error)
{
	int err = load_new(source, NULL, error);

	if (err)
		return err;
	if (set->version.settings.hierarchy_id == source->version.settings.hierarchy_id) {
		source->old_containers = bpf_pin_open_map(set,
							  "containers"); /* without: no history */
		source->old_history = bpf_pin_open_map(set, "history");
	}
	log_pins(LOG_LEVEL_INFO, "pins of another layout are replaced", set->path);
	return 0;
}

/* New programs beside the old ones, which go when the new ones are settled. */
static int replace(struct bpf_source *source, const struct bpf_pin_set *set, struct error *error)
{
	bool is_shared = has_our_maps(&set->version, &source->version);
	int err = is_shared ? replace_programs(source, set) : 0;

	if (err)
		log_pins(LOG_LEVEL_WARN, "the pinned maps cannot be used, and are replaced",
			 set->path);
	if (!is_shared || err)
		err = replace_all(source, set, error);
	if (err)
		return err;
	(void)snprintf(source->old_pins, sizeof(source->old_pins), "%s", set->path);
	return bpf_pin_make(source, error);
}

static bool is_ours(const struct bpf_pin_set *set, const struct abi_version *version)
{
	return has_our_maps(&set->version, version) && has_our_programs(&set->version, version);
}

static int load_pinned(struct bpf_source *source, struct error *error)
{
	struct bpf_pin_set set;
	int err = bpf_pin_lock(source->options.pin, &source->pin_lock, error);

	if (err)
		return err;
	err = bpf_pin_find(source->options.pin, &set, error);
	if (err && err != -ENOENT)
		return err;
	if (!err && is_ours(&set, &source->version) &&
	    (replace_variant(source, &set, error) == 0 || take_over(source, &set) == 0))
		return 0;
	if (!err)
		return replace(source, &set, error);
	err = load_new(source, NULL, error);
	return err ? err : bpf_pin_make(source, error);
}

int bpf_load(struct bpf_source *source, struct error *error)
{
	int err = fill_version(source, error);

	if (err)
		return err;
	if (source->options.on_probed)
		source->options.on_probed(source->options.context,
					  wanted_hooks(source) == HOOKS_CLASSIC);
	err = source->options.pin ? load_pinned(source, error) : load_new(source, NULL, error);
	source->has_history = source->has_counts; /* that of whoever made the maps */
	return err;
}
