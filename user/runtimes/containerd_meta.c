// SPDX-License-Identifier: Apache-2.0
#include "runtimes/containerd_meta.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtimes/bolt.h"
#include "runtimes/state_dirs.h"
#include "runtimes/state_file.h"
#include "runtimes/state_json.h"

#define DATABASE	 "io.containerd.metadata.v1.bolt/meta.db"
#define SANDBOX_METADATA "io.cri-containerd.sandbox.metadata"

enum { TRIES = 4, KEY_SIZE = 256, VALUE_SIZE = 4096 };

/* What is read of one state of the database; it is thrown away if that was torn. */
struct words {
	char *image;
	struct identity_pairs labels, annotations;
};

static void words_done(struct words *words)
{
	struct identity owner = {
		.image = words->image,
		.labels = words->labels,
		.annotations = words->annotations,
	};

	identity_done(&owner);
	memset(words, 0, sizeof(*words));
}

static bool is_key(const char *name, const char *key, size_t key_len)
{
	return key_len == strlen(name) && memcmp(key, name, key_len) == 0;
}

/* A copy that ends with NUL; false for what is too long, or has NUL inside. */
static bool copy(const char *bytes, size_t len, char *ret_text, size_t size)
{
	if (len >= size || memchr(bytes, '\0', len))
		return false;
	memcpy(ret_text, bytes, len);
	ret_text[len] = '\0';
	return true;
}

static int take_image(void *context, const char *key, size_t key_len, const char *value,
		      size_t value_len)
{
	struct words *words = context;
	char image[VALUE_SIZE];

	if (!is_key("image", key, key_len) || !copy(value, value_len, image, sizeof(image)))
		return 0;
	return state_json_set(&words->image, image);
}

static int take_label(void *context, const char *key, size_t key_len, const char *value,
		      size_t value_len)
{
	struct words *words = context;
	char key_text[KEY_SIZE], text[VALUE_SIZE];

	if (!copy(key, key_len, key_text, sizeof(key_text)) ||
	    !copy(value, value_len, text, sizeof(text)))
		return 0;
	return state_json_add(&words->labels, key_text, text);
}

/*
 * CRI's metadata is JSON in a protobuf message {1: type, 2: JSON}, which ends with the JSON: it
 * begins with the first brace, since a type is a name.
 */
static int take_sandbox(void *context, const char *key, size_t key_len, const char *value,
			size_t value_len)
{
	const char *json_text = memchr(value, '{', value_len);
	_cleanup_(state_json_done) json_t *json = NULL;
	struct words *words = context;

	if (!is_key(SANDBOX_METADATA, key, key_len) || !json_text)
		return 0;
	json = state_json_parse(json_text, value_len - (size_t)(json_text - value));
	return state_json_pairs(
		json_object_get(json_object_get(json_object_get(json, "Metadata"), "Config"),
				"annotations"),
		&words->annotations);
}

/* An id's bucket may lack those in it. */
static int visit(const struct bolt *bolt, const char *namespace, const char *id, const char *bucket,
		 bolt_visit_fn take, struct words *words)
{
	const char *const path[] = {"v1", namespace, "containers", id, bucket, NULL};

	return bolt_visit(bolt, path, take, words);
}

static int none_is_fine(int err)
{
	return err == -ENOENT ? 0 : err;
}

/* The pod's words first, so that the container's own count where both have the same key. */
static int read_words(const struct bolt *bolt, const char *namespace,
		      const struct identity *identity, struct words *words)
{
	const char *sandbox = identity_pairs_find(&identity->annotations,
						  "io.kubernetes.cri.sandbox-id");
	int err = visit(bolt, namespace, identity->id, NULL, take_image, words);

	if (!err && sandbox && strcmp(namespace, "k8s.io") == 0) {
		err = none_is_fine(
			visit(bolt, namespace, sandbox, "extensions", take_sandbox, words));
		if (!err)
			err = none_is_fine(
				visit(bolt, namespace, sandbox, "labels", take_label, words));
	}
	return err ? err :
		     none_is_fine(
			     visit(bolt, namespace, identity->id, "labels", take_label, words));
}

static int add_all(const struct identity_pairs *from, bool replaces, struct identity_pairs *to)
{
	for (size_t i = 0; i < from->count; i++) {
		int err = 0;

		if (replaces || !identity_pairs_find(to, from->items[i].key))
			err = state_json_add(to, from->items[i].key, from->items[i].value);
		if (err)
			return err;
	}
	return 0;
}

static int keep(const struct words *words, struct identity *identity)
{
	int err = state_json_set(&identity->image, words->image);

	if (!err)
		err = add_all(&words->labels, true, &identity->labels);
	return err ? err : add_all(&words->annotations, false, &identity->annotations);
}

int containerd_meta_take(int fd, const char *namespace, struct identity *identity)
{
	for (unsigned tries = TRIES; tries > 0; tries--) {
		_cleanup_(words_done) struct words words = {0};
		struct bolt bolt;
		int err = bolt_begin(fd, &bolt);

		if (err)
			continue;
		err = read_words(&bolt, namespace, identity, &words);
		if (err == -ENOMEM || (err != -EAGAIN && bolt_is_current(&bolt)))
			return err ? err : keep(&words, identity);
	}
	return -EAGAIN;
}

int containerd_meta_read(const struct runtime_roots *roots, const char *namespace,
			 struct identity *identity)
{
	const char *const *dirs = state_dirs(roots, RUNTIME_DIR_CONTAINERD);

	for (; *dirs; dirs++) {
		_cleanup_close_ int dir = state_dirs_open(roots, *dirs);
		_cleanup_close_ int fd = dir < 0 ? -1 : state_file_open(dir, DATABASE);
		int err = dir < 0 ? -ENOENT :
			  fd < 0  ? fd :
				    containerd_meta_take(fd, namespace, identity);

		if (err != -ENOENT)
			return err;
	}
	return 0;
}
