// SPDX-License-Identifier: Apache-2.0
#include "runtimes/bolt.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	MAGIC = (int)0xED0CDAEDU,
	VERSION = 2,
	HEADER_SIZE = 16, /* of a page; and of each element in it, and of a bucket */
	META_SIZE = 64,
	PAGE_BRANCH = 1,
	PAGE_LEAF = 2,
	ELEMENT_BUCKET = 1,
	DEPTH_MAX = 16,
	NODE_SIZE_MAX = 4 << 20, /* a page with those that continue it */
	NODES_MAX = 256,	 /* of one bucket */
};

/* A page and its continuation, or a small bucket that stands in its parent's page. */
struct node {
	uint8_t *bytes;
	size_t len;
};

/* A pair, or with a branch the key and the page below. */
struct element {
	const char *key, *value;
	uint32_t key_len, value_len;
	uint64_t page;
	bool is_bucket;
};

static void node_done(struct node *node)
{
	free(node->bytes);
}

/* In the machine's own order of bytes, as bolt writes them; that is the same one on both we run on. */
static uint64_t get(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return le64toh(value);
}

static uint64_t checksum(const uint8_t *bytes, size_t len)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 1099511628211U;
	return hash;
}

static bool read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
	return pread(fd, bytes, len, (off_t)offset) == (ssize_t)len;
}

/* --- which state is the newest --- */

static bool read_meta(int fd, uint64_t offset, struct bolt *ret_bolt)
{
	uint8_t meta[META_SIZE];

	if (!read_at(fd, meta, sizeof(meta), offset + HEADER_SIZE) ||
	    get(meta, 4) != (uint32_t)MAGIC || get(meta + 4, 4) != VERSION ||
	    get(meta + 56, 8) != checksum(meta, 56))
		return false;
	ret_bolt->fd = fd;
	ret_bolt->page_size = get(meta + 8, 4);
	ret_bolt->root = get(meta + 16, 8);
	ret_bolt->page_count = get(meta + 40, 8);
	ret_bolt->transaction = get(meta + 48, 8);
	return ret_bolt->page_size >= 1024 && ret_bolt->page_size <= 1 << 16 &&
	       ret_bolt->page_count < 1ULL << 32;
}

/* The two metas are a page apart; its size stands in them, and is the machine's as a rule. */
int bolt_begin(int fd, struct bolt *ret_bolt)
{
	struct bolt first, second;
	bool has_first = read_meta(fd, 0, &first);
	long distance = has_first ? first.page_size : sysconf(_SC_PAGESIZE);
	bool has_second = read_meta(fd, (uint64_t)distance, &second);

	if (!has_first && !has_second)
		return -EAGAIN;
	*ret_bolt = !has_second || (has_first && first.transaction >= second.transaction) ? first :
											    second;
	return 0;
}

bool bolt_is_current(const struct bolt *bolt)
{
	struct bolt now;

	return bolt_begin(bolt->fd, &now) == 0 && now.transaction == bolt->transaction;
}

/* --- nodes and what is in them --- */

static int load(const struct bolt *bolt, uint64_t page, struct node *ret_node)
{
	uint8_t header[HEADER_SIZE];
	uint64_t offset = page * bolt->page_size;
	struct node node;

	if (page < 2 || page >= bolt->page_count ||
	    !read_at(bolt->fd, header, sizeof(header), offset) || get(header, 8) != page)
		return -EAGAIN;
	node.len = ((size_t)get(header + 12, 4) + 1) * bolt->page_size;
	if (node.len > NODE_SIZE_MAX)
		return -EAGAIN;
	node.bytes = malloc(node.len);
	if (!node.bytes)
		return -ENOMEM;
	if (!read_at(bolt->fd, node.bytes, node.len, offset)) {
		node_done(&node);
		return -EAGAIN;
	}
	*ret_node = node;
	return 0;
}

/* A bucket's value is the page of its root; none: the root follows. */
static int load_bucket(const struct bolt *bolt, const struct element *element,
		       struct node *ret_node)
{
	const uint8_t *value = (const uint8_t *)element->value;
	struct node node;

	if (!element->is_bucket || element->value_len < HEADER_SIZE)
		return -ENOENT;
	if (get(value, 8) != 0)
		return load(bolt, get(value, 8), ret_node);
	node.len = element->value_len - HEADER_SIZE;
	node.bytes = malloc(node.len + 1);
	if (!node.bytes)
		return -ENOMEM;
	memcpy(node.bytes, value + HEADER_SIZE, node.len);
	*ret_node = node;
	return 0;
}

static bool is_branch(const struct node *node)
{
	return node->len >= HEADER_SIZE && get(node->bytes + 8, 2) & PAGE_BRANCH;
}

static size_t count(const struct node *node)
{
	if (node->len < HEADER_SIZE || !(get(node->bytes + 8, 2) & (PAGE_BRANCH | PAGE_LEAF)))
		return 0;
	return get(node->bytes + 10, 2);
}

/* False if it does not lie in the node: torn. Positions count from the element on. */
static bool get_element(const struct node *node, size_t i, struct element *ret_element)
{
	uint64_t offset = HEADER_SIZE + i * HEADER_SIZE, start;
	struct element element = {0};
	const uint8_t *at = node->bytes + offset;

	if (offset + HEADER_SIZE > node->len)
		return false;
	if (is_branch(node)) {
		start = offset + get(at, 4);
		element.key_len = get(at + 4, 4);
		element.page = get(at + 8, 8);
	} else {
		element.is_bucket = get(at, 4) & ELEMENT_BUCKET;
		start = offset + get(at + 4, 4);
		element.key_len = get(at + 8, 4);
		element.value_len = get(at + 12, 4);
	}
	if (start + element.key_len + element.value_len > node->len)
		return false;
	element.key = (const char *)node->bytes + start;
	element.value = element.key + element.key_len;
	*ret_element = element;
	return true;
}

static int compare(const struct element *element, const char *key)
{
	size_t len = strlen(key);
	int order = memcmp(element->key, key, element->key_len < len ? element->key_len : len);

	return order ? order : (element->key_len > len) - (element->key_len < len);
}

/* The element of a leaf with this key, or that of a branch below which it would be. */
static int find(const struct node *node, const char *key, struct element *ret_element)
{
	bool is_found = false;

	for (size_t i = 0; i < count(node); i++) {
		struct element element;
		int order;

		if (!get_element(node, i, &element))
			return -EAGAIN;
		order = compare(&element, key);
		if (order > 0)
			break;
		is_found = is_branch(node) || order == 0;
		*ret_element = element;
	}
	return is_found ? 0 : -ENOENT;
}

/* Replaces the node, a bucket's root, by the root of the bucket of this name in it. */
static int enter(const struct bolt *bolt, const char *name, struct node *node)
{
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		bool was_branch = is_branch(node);
		struct element element;
		struct node next;
		int err = find(node, name, &element);

		if (!err)
			err = was_branch ? load(bolt, element.page, &next) :
					   load_bucket(bolt, &element, &next);
		if (err)
			return err;
		node_done(node);
		*node = next;
		if (!was_branch)
			return 0;
	}
	return -EAGAIN;
}

/* --- all pairs of a bucket --- */

struct visit {
	const struct bolt *bolt;
	bolt_visit_fn call;
	void *context;
	unsigned nodes_left;
};

/* Down to DEPTH_MAX, as deep as a tree of the largest database is. */
static int visit_node(struct visit *visit, const struct node *node, unsigned depth)
{
	if (depth >= DEPTH_MAX || visit->nodes_left-- == 0)
		return -EAGAIN;
	for (size_t i = 0; i < count(node); i++) {
		_cleanup_(node_done) struct node below = {0};
		struct element element;
		int err = get_element(node, i, &element) ? 0 : -EAGAIN;

		if (!err && is_branch(node))
			err = load(visit->bolt, element.page, &below);
		if (!err && is_branch(node))
			err = visit_node(visit, &below, depth + 1);
		else if (!err && !element.is_bucket)
			err = visit->call(visit->context, element.key, element.key_len,
					  element.value, element.value_len);
		if (err)
			return err;
	}
	return 0;
}

int bolt_visit(const struct bolt *bolt, const char *const *path, bolt_visit_fn visit, void *context)
{
	struct node node = {0};
	struct visit all = {bolt, visit, context, NODES_MAX};
	int err = load(bolt, bolt->root, &node);

	for (; !err && *path; path++)
		err = enter(bolt, *path, &node);
	if (!err)
		err = visit_node(&all, &node, 0);
	node_done(&node);
	return err;
}
