// SPDX-License-Identifier: Apache-2.0
/* Answers of a gVisor sandbox's control socket: process lists, dumps, refusals; and the table they fill. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gvisor/reply.h"
#include "gvisor/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void on_change(void *context, struct container *container, enum gvisor_change change)
{
	(void)context;
	(void)container;
	(void)change;
}

static void on_exit_record(void *context, struct container *container,
			   const struct gvisor_exit *exit)
{
	(void)context;
	require(exit->record.head.container == container->cgroup);
}

/* The table takes whatever list there is, twice, and its counts are those of who lives in it. */
static void fill_table(const struct gvisor_listing *listing)
{
	static const struct gvisor_table_observer observer = {on_change, on_exit_record, NULL};
	static const struct gvisor_named named = {
		.id = "web", .cgroup = "", .pod_uid = "", .key = 7};
	struct gvisor_table *table;
	struct container *container;

	require(gvisor_table_new(NULL, &observer, &table) == 0);
	require(gvisor_table_add(table, &named, &container) == 0);
	for (int i = 0; i < 2; i++) {
		(void)gvisor_table_reconcile(table, container, listing, gvisor_table_mark(table),
					     i == 0);
		require(container->counts.tasks + container->counts.helpers +
				container->counts.injected <=
			listing->count);
	}
	gvisor_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct gvisor_listing listing = {0};
	struct gvisor_scan scan = {0};
	struct error error;
	bool has_session;

	require(!gvisor_scan_object(&scan, text, size) || scan.used <= size);
	(void)gvisor_reply_check(text, size, &error);
	(void)gvisor_reply_sessions(text, size, &has_session, &error);
	if (gvisor_reply_processes(text, size, &listing, &error) == 0) {
		fill_table(&listing);
		listing.has_dump = true;
		fill_table(&listing);
	}
	(void)gvisor_reply_dump(text, size, &listing, 1, &error);
	gvisor_listing_done(&listing);
	return 0;
}
