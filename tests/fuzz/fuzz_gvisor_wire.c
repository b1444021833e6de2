// SPDX-License-Identifier: Apache-2.0
/* Packets of a gVisor sandbox's trace session, and handshakes: a guest that broke out writes them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gvisor/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static bool is_ended(const char *text, size_t size)
{
	return strnlen(text, size) < size;
}

/* What is let through names a process of a container, and every text in it is ended. */
static void check_event(const struct gvisor_event *event)
{
	require(is_ended(event->comm, sizeof(event->comm)));
	require(is_ended(event->new_comm, sizeof(event->new_comm)));
	require(is_ended(event->container, sizeof(event->container)));
	if (event->kind == GVISOR_OTHER)
		return;
	require(event->pid > 0 && event->tid > 0 && event->start_ns > 0);
	require(event->container[0] != '\0');
	require(event->kind != GVISOR_CLONE || (event->child_pid > 0 && event->child_start_ns > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t answer[GVISOR_HANDSHAKE_SIZE];
	struct gvisor_event event;
	int len;

	for (int is_cut = 0; is_cut <= 1; is_cut++)
		if (gvisor_wire_decode(data, size, is_cut, &event) == GVISOR_FITS)
			check_event(&event);
	len = gvisor_wire_answer(data, size, answer);
	require(len < 0 || (len > 0 && len <= GVISOR_HANDSHAKE_SIZE));
	return 0;
}
