// SPDX-License-Identifier: Apache-2.0
#include "source/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lastout.skel.h"

enum { SOURCE_RING_BYTES = 1 << 20 };

struct bpf_source {
	struct lastout_bpf *skeleton;
	struct ring_buffer *ring;
	struct bpf_source_options options;
	unsigned cpus;
	bool is_classic;
};

/* libbpf's own words, kept for the one line that an error becomes. */
static char libbpf_words[256];

static int keep_words(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN || libbpf_words[0])
		return 0;
	(void)vsnprintf(libbpf_words, sizeof(libbpf_words), format, args); /* cut is fine */
	libbpf_words[strcspn(libbpf_words, "\n")] = '\0';
	return 0;
}

static int on_ring_record(void *context, void *data, size_t size)
{
	struct bpf_source *source = context;
	const struct record *record = data;

	if (size >= sizeof(*record) && record->size <= size)
		source->options.on_record(source->options.context, record);
	return 0;
}

/* Which element of css_set.subsys a controller has differs with the kernel's configuration. */
static int find_subsystem(const struct btf *btf, const char *controller, int32_t *ret_index)
{
	const struct btf_enum *value;
	const struct btf_type *type;
	char name[64];
	int32_t id;

	if (!controller[0]) {
		*ret_index = -1;
		return 0;
	}
	/* /proc calls it blkio, the kernel io. */
	(void)snprintf(name, sizeof(name), "%s_cgrp_id",
		       strcmp(controller, "blkio") == 0 ? "io" : controller);
	id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	if (id < 0)
		return -ENOENT;
	type = btf__type_by_id(btf, (uint32_t)id);
	value = btf_enum(type);
	for (int i = 0; i < btf_vlen(type); i++, value++) {
		if (strcmp(btf__name_by_offset(btf, value->name_off), name) == 0) {
			*ret_index = value->val;
			return 0;
		}
	}
	return -ENOENT;
}

/* The BTF hook's arguments are those of this type, after a first one for the callback's data. */
static bool has_group_dead_argument(const struct btf *btf)
{
	int32_t id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
	const struct btf_type *type;

	if (id < 0)
		return false;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (type && btf_is_ptr(type))
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) == 3;
}

static uint16_t find_group_dead_offset(const struct btf *btf)
{
	int32_t id = btf__find_by_name_kind(btf, "trace_event_raw_sched_process_exit",
					    BTF_KIND_STRUCT);
	const struct btf_member *member;
	const struct btf_type *type;

	if (id < 0)
		return 0;
	type = btf__type_by_id(btf, (uint32_t)id);
	member = btf_members(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++, member++) {
		if (strcmp(btf__name_by_offset(btf, member->name_off), "group_dead") == 0)
			return (uint16_t)(btf_member_bit_offset(type, i) / 8);
	}
	return 0;
}

/* What differs between kernels and must be known before the verifier reads the programs. */
static int look_up_kernel(const char *controller, struct abi_settings *settings,
			  struct error *error)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err;

	if (!btf)
		return error_set(error, -errno,
				 "the kernel's type information (BTF) cannot be read from "
				 "/sys/kernel/btf/vmlinux: %s; a kernel built with "
				 "CONFIG_DEBUG_INFO_BTF=y is needed, and /sys mounted",
				 strerror(errno));
	settings->group_dead_at = find_group_dead_offset(btf);
	settings->has_group_dead = settings->group_dead_at && has_group_dead_argument(btf);
	if (!settings->has_group_dead)
		settings->group_dead_at = 0; /* a half backport: rely on neither */
	err = find_subsystem(btf, controller, &settings->subsystem);
	btf__free(btf);
	return err ? error_set(error, err, "this kernel has no cgroup controller '%s'",
			       controller) :
		     0;
}

static void choose_programs(struct lastout_bpf *skeleton, bool is_classic)
{
	(void)bpf_program__set_autoload(skeleton->progs.exit_classic, is_classic);
	(void)bpf_program__set_autoload(skeleton->progs.fork_classic, is_classic);
	(void)bpf_program__set_autoload(skeleton->progs.rename_classic, is_classic);
	(void)bpf_program__set_autoload(skeleton->progs.exit_btf, !is_classic);
	(void)bpf_program__set_autoload(skeleton->progs.fork_btf, !is_classic);
	(void)bpf_program__set_autoload(skeleton->progs.rename_btf, !is_classic);
}

/* A tracepoint link that is only a perf event dies with us and cannot be pinned: not good enough. */
static bool is_real_link(const struct bpf_link *link)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &size) == 0;
}

static int load_variant(const struct abi_settings *settings, bool is_classic,
			struct lastout_bpf **ret_skeleton)
{
	struct lastout_bpf *skeleton = lastout_bpf__open();
	int err;

	if (!skeleton)
		return -ENOMEM; /* what it opens is in our own binary */
	memcpy((void *)&skeleton->rodata->settings, settings, sizeof(*settings));
	choose_programs(skeleton, is_classic);
	err = lastout_bpf__load(skeleton);
	if (!err)
		err = lastout_bpf__attach(skeleton);
	if (!err && is_classic && !is_real_link(skeleton->links.exit_classic))
		err = -EOPNOTSUPP;
	if (err) {
		lastout_bpf__destroy(skeleton);
		return err;
	}
	*ret_skeleton = skeleton;
	return 0;
}

static void explain_load(int err, struct error *error)
{
	if (err == -EPERM || err == -EACCES)
		(void)error_set(error, err,
				"the kernel refuses to load BPF programs: %s; run as root, with "
				"CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN (%s)",
				strerror(-err), libbpf_words);
	else if (err == -ESRCH || err == -ENOENT)
		(void)error_set(error, err,
				"the kernel's type information (BTF) lacks what is needed: %s; a "
				"kernel since 5.10 with CONFIG_DEBUG_INFO_BTF=y is (%s)",
				strerror(-err), libbpf_words);
	else
		(void)error_set(error, err, "cannot load the BPF programs: %s (%s)", strerror(-err),
				libbpf_words);
}

static int load(struct bpf_source *source, struct error *error)
{
	struct abi_settings *settings = &source->options.settings;
	int err;

	err = look_up_kernel(source->options.controller, settings, error);
	if (err)
		return err;
	settings->ring_bytes = SOURCE_RING_BYTES;
	libbpf_words[0] = '\0';
	source->is_classic = true;
	err = load_variant(settings, true, &source->skeleton);
	if (!err)
		return 0;
	libbpf_words[0] = '\0';
	source->is_classic = false;
	err = load_variant(settings, false, &source->skeleton);
	if (err)
		explain_load(err, error);
	return err;
}

int bpf_source_open(const struct bpf_source_options *options, struct bpf_source **ret_source,
		    struct error *error)
{
	struct bpf_source *source = calloc(1, sizeof(*source));
	int err;

	if (!source)
		return error_set(error, -ENOMEM, "out of memory");
	source->options = *options;
	(void)libbpf_set_print(keep_words);
	source->cpus = (unsigned)libbpf_num_possible_cpus();
	err = load(source, error);
	if (err) {
		bpf_source_close(source);
		return err;
	}
	source->ring = ring_buffer__new(bpf_map__fd(source->skeleton->maps.ring), on_ring_record,
					source, NULL);
	if (!source->ring) {
		err = error_set(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
		bpf_source_close(source);
		return err;
	}
	*ret_source = source;
	return 0;
}

void bpf_source_close(struct bpf_source *source)
{
	if (!source)
		return;
	ring_buffer__free(source->ring);
	lastout_bpf__destroy(source->skeleton);
	free(source);
}

const char *bpf_source_variant(const struct bpf_source *source)
{
	return source->is_classic ? "classic" : "btf";
}

int bpf_source_fd(const struct bpf_source *source)
{
	return ring_buffer__epoll_fd(source->ring);
}

int bpf_source_drain(struct bpf_source *source)
{
	int count = ring_buffer__consume(source->ring);

	return count < 0 ? count : 0;
}

int bpf_source_add_helper(struct bpf_source *source, const char *pattern)
{
	size_t len = strlen(pattern);
	bool is_prefix = len > 0 && pattern[len - 1] == '*';
	struct abi_helper_key key = {0};
	uint32_t value = 1;

	if (is_prefix)
		len--;
	if (len == 0 || len >= sizeof(key.comm))
		return -EINVAL;
	memcpy(key.comm, pattern, len);
	key.prefix_bits = (uint32_t)(is_prefix ? len : len + 1) * 8;
	return bpf_map__update_elem(source->skeleton->maps.helpers, &key, sizeof(key), &value,
				    sizeof(value), BPF_ANY);
}

int bpf_source_add_container(struct bpf_source *source, uint64_t cgroup)
{
	struct abi_container container = {0};
	uint8_t yes = 1;
	int err;

	err = bpf_map__update_elem(source->skeleton->maps.confirmed, &cgroup, sizeof(cgroup), &yes,
				   sizeof(yes), BPF_ANY);
	if (err)
		return err;
	err = bpf_map__update_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup),
				   &container, sizeof(container), BPF_NOEXIST);
	return err == -EEXIST ? 0 : err; /* counted since it was made */
}

void bpf_source_forget_container(struct bpf_source *source, uint64_t cgroup)
{
	/* Not there is as good as deleted. */
	(void)bpf_map__delete_elem(source->skeleton->maps.confirmed, &cgroup, sizeof(cgroup), 0);
	(void)bpf_map__delete_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup), 0);
}

void bpf_source_adopt_begin(struct bpf_source *source)
{
	__atomic_store_n(&source->skeleton->bss->adoption.is_active, 1, __ATOMIC_SEQ_CST);
}

void bpf_source_adopt_end(struct bpf_source *source)
{
	__atomic_store_n(&source->skeleton->bss->adoption.is_active, 0, __ATOMIC_SEQ_CST);
}

/* Reading the iterator to its end is what runs the program, once a task. It prints nothing. */
static int run_iterator(struct bpf_source *source)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(source->skeleton->links.adopt));
	char nothing[64];
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, nothing, sizeof(nothing));
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : 0;
}

int bpf_source_adopt(struct bpf_source *source, const struct bpf_source_named *named)
{
	struct abi_adopt *adoption = &source->skeleton->bss->adoption;
	int err;

	adoption->named_container = named ? named->cgroup : 0;
	adoption->named_pid = named ? (uint32_t)named->pid : 0;
	adoption->pass = ADOPT_FIND_INIT;
	err = run_iterator(source);
	if (err)
		return err;
	adoption->pass = ADOPT_COUNT;
	return run_iterator(source);
}

int bpf_source_read_container(struct bpf_source *source, uint64_t cgroup,
			      struct abi_container *ret_container)
{
	return bpf_map__lookup_elem(source->skeleton->maps.containers, &cgroup, sizeof(cgroup),
				    ret_container, sizeof(*ret_container), 0);
}

enum role bpf_source_role(struct bpf_source *source, pid_t pid, uint64_t cgroup)
{
	uint32_t tgid = (uint32_t)pid;
	struct abi_process process;

	if (bpf_map__lookup_elem(source->skeleton->maps.processes, &tgid, sizeof(tgid), &process,
				 sizeof(process), 0) < 0)
		return ROLE_HOST;
	return process.container == cgroup ? (enum role)process.role : ROLE_HOST;
}

static uint64_t count_losses(struct bpf_source *source)
{
	_cleanup_free_ uint64_t *values = calloc(source->cpus, sizeof(*values));
	uint64_t sum = 0;

	if (!values)
		return 0;
	for (uint32_t loss = 0; loss < LOSS_COUNT; loss++) {
		if (bpf_map__lookup_elem(source->skeleton->maps.losses, &loss, sizeof(loss), values,
					 source->cpus * sizeof(*values), 0) < 0)
			continue;
		for (unsigned cpu = 0; cpu < source->cpus; cpu++)
			sum += values[cpu];
	}
	return sum;
}

/* Runs that the kernel left out because the program was already running on that CPU. */
static uint64_t count_skipped(struct bpf_source *source)
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, source->skeleton->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
}

uint64_t bpf_source_lost(struct bpf_source *source)
{
	return count_losses(source) + count_skipped(source);
}

const char *bpf_source_library(void)
{
	return libbpf_version_string() + 1; /* "v1.1" */
}
