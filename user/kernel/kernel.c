// SPDX-License-Identifier: Apache-2.0
/* What differs between kernels, looked up in their type information. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/private.h"

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
int bpf_kernel_look_up(const char *controller, struct abi_settings *settings,
		       bool *ret_is_preempted, struct error *error)
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
	*ret_is_preempted = bpf_preempt_reaches_hooks(btf);
	err = find_subsystem(btf, controller, &settings->subsystem);
	btf__free(btf);
	return err ? error_set(error, err, "this kernel has no cgroup controller '%s'",
			       controller) :
		     0;
}
