// SPDX-License-Identifier: Apache-2.0
#include "api/about.h"

static void put_losses(struct json *json, const struct watch_losses *losses)
{
	json_object_begin(json, "losses");
	for (unsigned i = 0; i < BPF_SOURCE_LOSS_KINDS; i++)
		json_uint(json, bpf_source_loss_name(i), losses->source.by_kind[i]);
	json_object_end(json);
}

static void put_rereads(struct json *json, const struct watch_losses *losses)
{
	json_object_begin(json, "rereads");
	for (unsigned i = 0; i < WATCH_REREAD_COUNT; i++)
		json_uint(json, watch_reread_name(i), losses->rereads[i]);
	json_object_end(json);
}

void about_put_losses(struct json *json, struct watch *watch)
{
	struct watch_losses losses;

	watch_read_losses(watch, &losses);
	put_losses(json, &losses);
}

void about_put(struct json *json, const char *version, const struct follower_shared *shared)
{
	struct watch *watch = shared->watch;
	const struct bpf_source *source = watch_source(watch);
	struct watch_losses losses;

	watch_read_losses(watch, &losses);
	json_string(json, "version", version);
	json_uint(json, "containers", watch_container_count(watch));
	put_losses(json, &losses);
	put_rereads(json, &losses);
	json_uint(json, "state_read_errors", watch_unread(watch));
	json_object_begin(json, "dropped");
	json_uint(json, "outcomes", shared->dropped.outcomes ? *shared->dropped.outcomes : 0);
	json_uint(json, "log_lines", shared->dropped.log ? *shared->dropped.log : 0);
	json_object_end(json);
	json_string(json, "pins", bpf_source_pins(source));
	json_string(json, "hooks", bpf_source_variant(source));
}
