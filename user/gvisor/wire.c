// SPDX-License-Identifier: Apache-2.0
#include "gvisor/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gvisor.pb-c.h"

/* Little-endian on all machines that gVisor runs on, which writes it in the machine's own order. */
struct header {
	uint16_t size; /* the payload begins there */
	uint16_t type;
	uint32_t dropped;
};

_Static_assert(sizeof(struct header) == 8, "as it is on the wire");

enum message_type {
	MESSAGE_START = 1,
	MESSAGE_CLONE = 2,
	MESSAGE_EXEC = 3,
	MESSAGE_EXIT_NOTIFY = 4,
	MESSAGE_TASK_EXIT = 5,
};

enum { WIRE_VERSION = 1, WIRE_VARINT_SIZE = 10 };

const char *gvisor_fault_text(enum gvisor_fault fault)
{
	static const char *const texts[GVISOR_FAULT_COUNT] = {
		[GVISOR_FITS] = "that fits",
		[GVISOR_FAULT_SHORT] = "that ends within its header",
		[GVISOR_FAULT_HEADER] = "whose header has a wrong size",
		[GVISOR_FAULT_PAYLOAD] = "that cannot be decoded",
		[GVISOR_FAULT_PROCESS] = "of an impossible process",
		[GVISOR_FAULT_CONTAINER] = "for a container that is not its own",
	};

	return fault < GVISOR_FAULT_COUNT ? texts[fault] : "of an unknown fault";
}

/* Bytes of the varint at `at`; 0 if it does not end within len. */
static size_t varint_read(const uint8_t *at, size_t len, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len && i < WIRE_VARINT_SIZE; i++) {
		value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
		if (!(at[i] & 0x80)) {
			*ret_value = value;
			return i + 1;
		}
	}
	return 0;
}

/* Bytes of the field at `at`; 0 if it does not end within len. */
static size_t field_length(const uint8_t *at, size_t len)
{
	uint64_t tag, value = 0;
	size_t used = varint_read(at, len, &tag), more;

	if (!used)
		return 0;
	switch (tag & 7) {
	case 0:
		more = varint_read(at + used, len - used, &value);
		return more ? used + more : 0;
	case 1:
		value = 8;
		break;
	case 2:
		more = varint_read(at + used, len - used, &value);
		if (!more)
			return 0;
		used += more;
		break;
	case 5:
		value = 4;
		break;
	default:
		return 0;
	}
	return value <= len - used ? used + (size_t)value : 0;
}

/* The length of all whole fields of a payload of which only `len` bytes are there. */
static size_t whole_fields(const uint8_t *payload, size_t len)
{
	size_t used = 0, field;

	while (used < len && (field = field_length(payload + used, len - used)) > 0)
		used += field;
	return used;
}

static void copy_comm(char ret_comm[ABI_COMM_SIZE], const char *name)
{
	(void)snprintf(ret_comm, ABI_COMM_SIZE, "%s", name);
}

/* The last component, as a process is named after an exec. */
static void copy_base_name(char ret_comm[ABI_COMM_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');

	copy_comm(ret_comm, slash ? slash + 1 : path);
}

static enum gvisor_fault take_context(const Gvisor__Context *context, struct gvisor_event *event)
{
	size_t id_len;

	if (!context)
		return GVISOR_FAULT_PROCESS;
	id_len = strlen(context->container_id);
	if (id_len == 0 || id_len >= sizeof(event->container))
		return GVISOR_FAULT_CONTAINER;
	if (context->thread_id <= 0 || context->thread_group_id <= 0 || context->time_ns < 0 ||
	    context->thread_group_start_time_ns <= 0)
		return GVISOR_FAULT_PROCESS;
	memcpy(event->container, context->container_id, id_len + 1);
	event->time_ns = (uint64_t)context->time_ns;
	event->tid = context->thread_id;
	event->pid = context->thread_group_id;
	event->start_ns = (uint64_t)context->thread_group_start_time_ns;
	event->uid = context->credentials ? context->credentials->real_uid : 0;
	copy_comm(event->comm, context->process_name);
	return GVISOR_FITS;
}

static enum gvisor_fault take_start(const uint8_t *payload, size_t len, struct gvisor_event *event)
{
	Gvisor__Start *start = gvisor__start__unpack(NULL, len, payload);
	enum gvisor_fault fault;

	if (!start)
		return GVISOR_FAULT_PAYLOAD;
	fault = take_context(start->context, event);
	gvisor__start__free_unpacked(start, NULL);
	return fault;
}

static enum gvisor_fault take_clone(const uint8_t *payload, size_t len, struct gvisor_event *event)
{
	Gvisor__Clone *clone = gvisor__clone__unpack(NULL, len, payload);
	enum gvisor_fault fault;

	if (!clone)
		return GVISOR_FAULT_PAYLOAD;
	fault = take_context(clone->context, event);
	if (!fault &&
	    (clone->created_thread_group_id <= 0 || clone->created_thread_start_time_ns <= 0))
		fault = GVISOR_FAULT_PROCESS;
	if (!fault) {
		event->child_pid = clone->created_thread_group_id;
		event->child_start_ns = (uint64_t)clone->created_thread_start_time_ns;
	}
	gvisor__clone__free_unpacked(clone, NULL);
	return fault;
}

static enum gvisor_fault take_exec(const uint8_t *payload, size_t len, struct gvisor_event *event)
{
	Gvisor__Exec *exec = gvisor__exec__unpack(NULL, len, payload);
	enum gvisor_fault fault;

	if (!exec)
		return GVISOR_FAULT_PAYLOAD;
	fault = take_context(exec->context, event);
	/* The path is where links led to: of a program with many names argv[0] has the one. */
	if (!fault)
		copy_base_name(event->new_comm, exec->n_argv && exec->argv[0][0] ?
							exec->argv[0] :
							exec->binary_path);
	for (size_t i = 0; !fault && i < exec->n_argv && !event->args.is_cut; i++)
		command_line_add(&event->args, exec->argv[i]);
	gvisor__exec__free_unpacked(exec, NULL);
	return fault;
}

static enum gvisor_fault take_exit(const uint8_t *payload, size_t len, struct gvisor_event *event)
{
	Gvisor__Exit *exit = gvisor__exit__unpack(NULL, len, payload);
	enum gvisor_fault fault;

	if (!exit)
		return GVISOR_FAULT_PAYLOAD;
	fault = take_context(exit->context, event);
	if (!fault)
		event->status = exit->exit_status;
	gvisor__exit__free_unpacked(exit, NULL);
	return fault;
}

static const struct {
	enum gvisor_kind kind;
	enum gvisor_fault (*take)(const uint8_t *payload, size_t len, struct gvisor_event *event);
} messages[] = {
	[MESSAGE_START] = {GVISOR_START, take_start},
	[MESSAGE_CLONE] = {GVISOR_CLONE, take_clone},
	[MESSAGE_EXEC] = {GVISOR_EXEC, take_exec},
	[MESSAGE_EXIT_NOTIFY] = {GVISOR_EXIT, take_exit},
	[MESSAGE_TASK_EXIT] = {GVISOR_THREAD_EXIT, take_exit},
};

enum gvisor_fault gvisor_wire_decode(const uint8_t *packet, size_t len, bool is_cut,
				     struct gvisor_event *ret_event)
{
	struct gvisor_event event = {.kind = GVISOR_OTHER};
	enum gvisor_fault fault = GVISOR_FITS;
	struct header header;

	if (len < sizeof(header))
		return GVISOR_FAULT_SHORT;
	memcpy(&header, packet, sizeof(header));
	if (header.size < sizeof(header) || header.size > len)
		return GVISOR_FAULT_HEADER;
	event.dropped = header.dropped;
	packet += header.size;
	len -= header.size;
	if (is_cut)
		len = whole_fields(packet, len);
	if (header.type < sizeof(messages) / sizeof(messages[0]) && messages[header.type].take) {
		event.kind = messages[header.type].kind;
		fault = messages[header.type].take(packet, len, &event);
	}
	if (!fault)
		*ret_event = event;
	return fault;
}

int gvisor_wire_answer(const uint8_t *packet, size_t len, uint8_t ret_answer[GVISOR_HANDSHAKE_SIZE])
{
	Gvisor__Handshake *handshake = gvisor__handshake__unpack(NULL, len, packet);
	Gvisor__Handshake answer = GVISOR__HANDSHAKE__INIT;
	uint32_t version = handshake ? handshake->version : 0;

	if (handshake)
		gvisor__handshake__free_unpacked(handshake, NULL);
	if (version < WIRE_VERSION)
		return -EBADMSG;
	answer.version = WIRE_VERSION;
	return (int)gvisor__handshake__pack(&answer, ret_answer);
}
