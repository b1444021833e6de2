// SPDX-License-Identifier: Apache-2.0
#include "gvisor/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gvisor/scan.h"

enum { REPLY_WORDS = 200 }; /* of a refusal */

static int bad(struct error *error)
{
	return error_set(error, -EBADMSG, "the sandbox's answer is not understood");
}

/* A reference to the whole, of which *ret_result is a part. */
static int open_reply(const char *reply, size_t len, json_t **ret_root, const json_t **ret_result,
		      struct error *error)
{
	json_t *root = json_loadb(reply, len, JSON_ALLOW_NUL, NULL);
	const json_t *success = json_object_get(root, "success");
	const char *words;

	if (!json_is_boolean(success)) {
		json_decref(root);
		return bad(error);
	}
	if (!json_is_true(success)) {
		words = json_string_value(json_object_get(root, "err"));
		(void)error_set(error, 0, "%.*s", REPLY_WORDS, words ? words : "refused");
		json_decref(root);
		return -EREMOTEIO;
	}
	*ret_root = root;
	*ret_result = json_object_get(root, "result");
	return 0;
}

int gvisor_reply_check(const char *reply, size_t len, struct error *error)
{
	const json_t *result;
	json_t *root;
	int err = open_reply(reply, len, &root, &result, error);

	if (!err)
		json_decref(root);
	return err;
}

int gvisor_reply_sessions(const char *reply, size_t len, bool *ret_has_session, struct error *error)
{
	const json_t *result;
	json_t *root;
	int err = open_reply(reply, len, &root, &result, error);

	if (err)
		return err;
	if (json_is_array(result) || json_is_null(result))
		*ret_has_session = json_array_size(result) > 0;
	else
		err = bad(error);
	json_decref(root);
	return err;
}

/* A pid: at least `lowest`. */
static bool read_pid(const json_t *value, pid_t lowest, pid_t *ret_pid)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < lowest || number > INT32_MAX)
		return false;
	*ret_pid = (pid_t)number;
	return true;
}

static bool has_threads(const json_t *threads, pid_t pid)
{
	return json_array_size(threads) != 1 ||
	       json_integer_value(json_array_get(threads, 0)) != pid;
}

static bool read_member(const json_t *row, struct gvisor_member *member)
{
	const char *comm = json_string_value(json_object_get(row, "cmd"));
	const json_t *threads = json_object_get(row, "threads");
	json_int_t uid = json_integer_value(json_object_get(row, "uid"));

	if (!read_pid(json_object_get(row, "pid"), 1, &member->pid) ||
	    !read_pid(json_object_get(row, "ppid"), 0, &member->parent) || !comm ||
	    !json_is_array(threads))
		return false;
	member->uid = uid >= 0 && uid <= UINT32_MAX ? (uint32_t)uid : 0;
	member->has_threads = has_threads(threads, member->pid);
	(void)snprintf(member->comm, sizeof(member->comm), "%s", comm);
	return true;
}

static int compare_members(const void *left, const void *right)
{
	const struct gvisor_member *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int read_members(const json_t *result, struct gvisor_listing *ret_listing,
			struct error *error)
{
	struct gvisor_listing listing = {.count = json_array_size(result)};

	if (!json_is_array(result) && !json_is_null(result))
		return bad(error);
	if (listing.count)
		listing.members = calloc(listing.count, sizeof(*listing.members));
	if (listing.count && !listing.members)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < listing.count; i++) {
		if (!read_member(json_array_get(result, i), &listing.members[i])) {
			free(listing.members);
			return bad(error);
		}
	}
	if (listing.count)
		qsort(listing.members, listing.count, sizeof(*listing.members), compare_members);
	*ret_listing = listing;
	return 0;
}

int gvisor_reply_processes(const char *reply, size_t len, struct gvisor_listing *ret_listing,
			   struct error *error)
{
	const json_t *result;
	json_t *root;
	int err = open_reply(reply, len, &root, &result, error);

	if (err)
		return err;
	err = read_members(result, ret_listing, error);
	json_decref(root);
	return err;
}

static struct gvisor_member *find_member(struct gvisor_listing *listings, size_t count, pid_t pid)
{
	const struct gvisor_member key = {.pid = pid};

	for (size_t i = 0; i < count; i++) {
		struct gvisor_member *found = NULL;

		if (listings[i].count)
			found = bsearch(&key, listings[i].members, listings[i].count, sizeof(key),
					compare_members);
		if (found)
			return found;
	}
	return NULL;
}

static bool is_key(const struct gvisor_field *field, const char *key)
{
	return field->key_len == strlen(key) && memcmp(field->key, key, field->key_len) == 0;
}

/* Of the dump's description of a process these two alone: jansson takes no addresses past INT64_MAX. */
static bool read_dumped(const char *text, size_t len, pid_t *ret_pid, uint64_t *ret_start_ns)
{
	struct gvisor_field field;
	json_t *value;
	size_t at = 0;

	*ret_pid = 0;
	*ret_start_ns = 0;
	while (gvisor_scan_member(text, len, &at, &field)) {
		if (!is_key(&field, "status") && !is_key(&field, "clone_ts"))
			continue;
		value = json_loadb(field.value, field.value_len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
				   NULL);
		if (json_is_object(value))
			(void)read_pid(json_object_get(value, "pid"), 1, ret_pid); /* 0: no pid */
		else if (json_integer_value(value) > 0)
			*ret_start_ns = (uint64_t)json_integer_value(value);
		json_decref(value);
	}
	return *ret_pid != 0;
}

static bool take_process(const char *text, size_t len, struct gvisor_listing *listings,
			 size_t count)
{
	struct gvisor_member *member;
	uint64_t start_ns;
	pid_t pid;

	if (!read_dumped(text, len, &pid, &start_ns))
		return false;
	member = find_member(listings, count, pid);
	if (member) {
		member->is_dumped = true;
		member->start_ns = start_ns;
	}
	return true;
}

/*
 * One process after the other: as a whole tree, a dump of megabytes, most of it memory maps, would take a
 * hundred megabytes.
 */
static bool take_processes(const char *text, size_t len, struct gvisor_listing *listings,
			   size_t count)
{
	while (len > 0 && *text != ']') {
		struct gvisor_scan scan = {0};

		if (*text == ',' || *text == '\n' || *text == ' ') {
			text++;
			len--;
			continue;
		}
		if (*text != '{' || !gvisor_scan_object(&scan, text, len) ||
		    !take_process(text, scan.used, listings, count))
			return false;
		text += scan.used;
		len -= scan.used;
	}
	return len > 0;
}

/* One without a process is no dump: all that are listed would be thought dead by it. */
int gvisor_reply_dump(const char *reply, size_t len, struct gvisor_listing *listings, size_t count,
		      struct error *error)
{
	static const char head[] = "{\"success\":true,\"err\":\"\",\"result\":[";
	size_t head_len = sizeof(head) - 1;
	int err;

	if (len <= head_len || memcmp(reply, head, head_len) != 0) {
		err = gvisor_reply_check(reply, len, error);
		return err ? err : bad(error);
	}
	if (reply[head_len] != '{' ||
	    !take_processes(reply + head_len, len - head_len, listings, count))
		return bad(error);
	for (size_t i = 0; i < count; i++)
		listings[i].has_dump = true;
	return 0;
}

bool gvisor_listing_needs_dump(const struct gvisor_listing *listing, pid_t init)
{
	for (size_t i = 0; i < listing->count; i++)
		if (!listing->members[i].has_threads && listing->members[i].pid != init)
			return true;
	return false;
}

void gvisor_listing_done(struct gvisor_listing *listing)
{
	free(listing->members);
	*listing = (struct gvisor_listing){0};
}
