#ifndef LRSEARCH_YAML_TREE_H
#define LRSEARCH_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "plan/complaints.h"

/* YAML as a tree of nodes with their places. Nodes and texts are in two growing arrays and refer to
 * each other by index, so that one release frees all; a pointer to a node or a text is valid until
 * the next yaml_tree_parse() on the tree.
 *
 * Refused, each with its place: text that is not UTF-8, more than YAML_TREE_BYTES, nesting deeper
 * than YAML_TREE_DEPTH, anchors and aliases, tags, keys that are not plain words, more than one
 * document, and whatever libyaml refuses. */

#define YAML_TREE_BYTES 1000000
#define YAML_TREE_DEPTH 16
#define YAML_TREE_NONE UINT32_MAX

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct place place;
    bool quoted;     /* "..." or '...' or a block: never null, a number or a bool */
    uint32_t text;   /* YAML_SCALAR: offset in texts, NUL-terminated */
    uint32_t length; /* of the text, which may hold further NULs */
    uint32_t first;  /* first child, or YAML_TREE_NONE; of a map: key, value, key, value */
    uint32_t next;   /* next sibling, or YAML_TREE_NONE */
};

struct yaml_tree { /* all zero: empty */
    struct yaml_node *nodes;
    size_t count, capacity;
    char *texts;
    size_t text_size, text_capacity;
};

/* Adds a document to the tree, with `origin` in all its places. Returns the root's index;
 * YAML_TREE_NONE when the text is empty, or refused (then with a complaint). */
uint32_t yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t size, uint32_t origin,
                         struct complaints *complaints);
void yaml_tree_release(struct yaml_tree *tree);

const char *yaml_tree_text(const struct yaml_tree *tree, const struct yaml_node *node);
/* No value: nothing at all, ~ or null. */
bool yaml_tree_is_null(const struct yaml_tree *tree, const struct yaml_node *node);

#endif
