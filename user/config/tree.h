/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a tree of texts, lists and maps, each with its place. Takes the part of YAML that
 * configurations are written in, and refuses the rest by name: anchors and aliases (and with them
 * what grows from ten lines to gigabytes), tags, several documents, keys that are no text, twice the
 * same key, NULs, anything but UTF-8. What a text means, `yes` or `12`, is for the reader to decide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/report.h"

enum {
	TREE_DEPTH_MAX = 8,
	TREE_ITEMS_MAX = 1000, /* of one list or map */
};

enum tree_kind {
	TREE_TEXT,
	TREE_LIST,
	TREE_MAP,
};

struct tree {
	enum tree_kind kind;
	struct place place;
	char *text;	    /* TREE_TEXT: no NULs inside */
	bool is_null;	    /* TREE_TEXT: nothing was written, or `~` or `null` without quotes */
	struct tree *keys;  /* TREE_MAP: `count` texts, all different */
	struct tree *items; /* TREE_LIST, TREE_MAP */
	size_t count;
};

/* 0, or a negative errno with the reason in the report. A file without content gives a null text. */
int tree_parse(const struct report *report, const char *text, size_t len, struct tree *ret_tree);

/* Zeroed and half-built are fine. */
void tree_done(struct tree *tree);

/* The value of a map's key; NULL: there is none. A null text is an empty map. */
const struct tree *tree_find(const struct tree *map, const char *key);
