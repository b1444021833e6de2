// SPDX-License-Identifier: Apache-2.0
#include "config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/escape.h"

/* A parser of libyaml's, and the event that it stands at. */
struct builder {
	const struct report *report;
	const char *text;
	size_t len;
	yaml_parser_t parser;
	yaml_event_t event;
};

/* Where a byte of the text is. */
static struct place place_of_byte(const char *text, size_t at)
{
	struct place place = {1, 1};

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n')
			place = (struct place){place.line + 1, 1};
		else if (((unsigned char)text[i] & 0xc0) != 0x80) /* characters, not their tails */
			place.column++;
	}
	return place;
}

static struct place place_of(const yaml_mark_t *mark)
{
	return (struct place){mark->line + 1, mark->column + 1};
}

/* Before libyaml sees it, which would take UTF-16 as well. */
static int check_bytes(const struct report *report, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_valid_length((const unsigned char *)text + i, len - i);
		if (!text[i])
			return report_at(report, place_of_byte(text, i),
					 "a NUL: this is no text file");
		if (!n)
			return report_at(report, place_of_byte(text, i),
					 "not UTF-8: save the file in that encoding");
	}
	return 0;
}

/* --- events --- */

static int fail_in_parser(const struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	size_t at = parser->problem_offset < builder->len ? parser->problem_offset : builder->len;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return report_no_memory(builder->report);
	case YAML_READER_ERROR:
		return report_at(builder->report, place_of_byte(builder->text, at), "%s", problem);
	default:
		return report_at(builder->report, place_of(&parser->problem_mark), "%s%s%s",
				 problem, parser->context ? ", " : "",
				 parser->context ? parser->context : "");
	}
}

static int next_event(struct builder *builder)
{
	yaml_event_delete(&builder->event);
	return yaml_parser_parse(&builder->parser, &builder->event) ? 0 : fail_in_parser(builder);
}

static struct place event_place(const struct builder *builder)
{
	return place_of(&builder->event.start_mark);
}

static int refuse(const struct builder *builder, const char *what)
{
	return report_at(builder->report, event_place(builder), "%s", what);
}

static int check_anchor_and_tag(const struct builder *builder, const yaml_char_t *anchor,
				const yaml_char_t *tag)
{
	if (anchor)
		return refuse(builder, "anchors (&name) are not taken; a text with & needs quotes");
	if (tag)
		return refuse(builder, "tags (!name) are not taken; a text with ! needs quotes");
	return 0;
}

/* --- the tree --- */

static int build_node(struct builder *builder, unsigned depth, struct tree *node);

/* `~`, `null`, or nothing at all; only without quotes. */
static bool is_null(const struct tree *node, yaml_scalar_style_t style)
{
	return style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static int build_text(struct builder *builder, struct tree *node)
{
	const char *value = (const char *)builder->event.data.scalar.value;
	size_t length = builder->event.data.scalar.length;
	int err = check_anchor_and_tag(builder, builder->event.data.scalar.anchor,
				       builder->event.data.scalar.tag);

	if (err)
		return err;
	if (memchr(value, '\0', length))
		return refuse(builder, "a text with a NUL in it");
	node->kind = TREE_TEXT;
	node->text = strdup(value);
	if (!node->text)
		return report_no_memory(builder->report);
	node->is_null = is_null(node, builder->event.data.scalar.style);
	return 0;
}

/* Another item, and key where it is a map's, all zeroes. */
static int grow(struct builder *builder, struct tree *node)
{
	size_t count = node->count + 1;
	struct tree *items, *keys;

	if (count > TREE_ITEMS_MAX) {
		(void)report_at(builder->report, event_place(builder),
				"more than %d items in one list or map", TREE_ITEMS_MAX);
		return -EINVAL;
	}
	items = reallocarray(node->items, count, sizeof(*items));
	if (items)
		node->items = items;
	keys = reallocarray(node->keys, count, sizeof(*keys));
	if (keys)
		node->keys = keys;
	if (!items || !keys) {
		(void)report_no_memory(builder->report);
		return -ENOMEM;
	}
	memset(&items[node->count], 0, sizeof(*items));
	memset(&keys[node->count], 0, sizeof(*keys));
	node->count = count;
	return 0;
}

static int build_list(struct builder *builder, unsigned depth, struct tree *node)
{
	int err = check_anchor_and_tag(builder, builder->event.data.sequence_start.anchor,
				       builder->event.data.sequence_start.tag);

	node->kind = TREE_LIST;
	while (!err && (err = next_event(builder)) == 0 &&
	       builder->event.type != YAML_SEQUENCE_END_EVENT) {
		err = grow(builder, node);
		if (!err)
			err = build_node(builder, depth, &node->items[node->count - 1]);
	}
	return err;
}

static int build_key(struct builder *builder, struct tree *map)
{
	struct tree *key = &map->keys[map->count - 1];
	int err;

	key->place = event_place(builder);
	if (builder->event.type == YAML_ALIAS_EVENT)
		return refuse(builder,
			      "aliases (*name) are not taken; a pattern with * first needs quotes");
	if (builder->event.type != YAML_SCALAR_EVENT)
		return refuse(builder, "a key has to be a text");
	err = build_text(builder, key);
	if (err)
		return err;
	for (size_t i = 0; i + 1 < map->count; i++)
		if (strcmp(map->keys[i].text, key->text) == 0)
			return report_at(builder->report, key->place,
					 "'%.60s' is there already, on line %zu", key->text,
					 map->keys[i].place.line);
	return 0;
}

static int build_map(struct builder *builder, unsigned depth, struct tree *node)
{
	int err = check_anchor_and_tag(builder, builder->event.data.mapping_start.anchor,
				       builder->event.data.mapping_start.tag);

	node->kind = TREE_MAP;
	while (!err && (err = next_event(builder)) == 0 &&
	       builder->event.type != YAML_MAPPING_END_EVENT) {
		err = grow(builder, node);
		if (!err)
			err = build_key(builder, node);
		if (!err)
			err = next_event(builder);
		if (!err)
			err = build_node(builder, depth, &node->items[node->count - 1]);
	}
	return err;
}

/* From the event that begins it. Calls itself, TREE_DEPTH_MAX deep. */
static int build_node(struct builder *builder, unsigned depth, struct tree *node)
{
	node->place = event_place(builder);
	if (depth >= TREE_DEPTH_MAX)
		return refuse(builder, "nested too deep");
	switch (builder->event.type) {
	case YAML_SCALAR_EVENT:
		return build_text(builder, node);
	case YAML_SEQUENCE_START_EVENT:
		return build_list(builder, depth + 1, node);
	case YAML_MAPPING_START_EVENT:
		return build_map(builder, depth + 1, node);
	case YAML_ALIAS_EVENT:
		return refuse(builder,
			      "aliases (*name) are not taken; a pattern with * first needs quotes");
	default:
		return refuse(builder, "not what belongs here");
	}
}

/* stream start, document start, a node, document end, stream end; or no document at all. */
static int build_document(struct builder *builder, struct tree *ret_tree)
{
	int err = next_event(builder);

	if (!err)
		err = next_event(builder);
	if (err)
		return err;
	if (builder->event.type == YAML_STREAM_END_EVENT) {
		ret_tree->place = (struct place){1, 1};
		ret_tree->is_null = true;
		ret_tree->text = strdup("");
		return ret_tree->text ? 0 : report_no_memory(builder->report);
	}
	err = next_event(builder);
	if (!err)
		err = build_node(builder, 0, ret_tree);
	if (!err)
		err = next_event(builder);
	if (!err)
		err = next_event(builder);
	if (!err && builder->event.type != YAML_STREAM_END_EVENT)
		return refuse(builder, "a second document: a configuration is one");
	return err;
}

int tree_parse(const struct report *report, const char *text, size_t len, struct tree *ret_tree)
{
	struct builder builder = {.report = report, .text = text, .len = len};
	struct tree tree = {0};
	int err = check_bytes(report, text, len);

	if (err)
		return err;
	if (!yaml_parser_initialize(&builder.parser))
		return report_no_memory(report);
	yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, len);
	err = build_document(&builder, &tree);
	yaml_event_delete(&builder.event);
	yaml_parser_delete(&builder.parser);
	if (err)
		tree_done(&tree);
	else
		*ret_tree = tree;
	return err;
}

/* As deep as it was built. */
void tree_done(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->keys[i].text);
		tree_done(&tree->items[i]);
	}
	free(tree->text);
	free(tree->keys);
	free(tree->items);
	memset(tree, 0, sizeof(*tree));
}

const struct tree *tree_find(const struct tree *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i].text, key) == 0)
			return &map->items[i];
	return NULL;
}
