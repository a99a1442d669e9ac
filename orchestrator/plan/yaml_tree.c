/* Builds a tree from libyaml's events. The only file that includes yaml.h.
 *
 * YAML beyond maps, lists and scalars (anchors, tags, several documents) is refused, so that no
 * input can expand. Depth is checked at each event, before libyaml recurses further. Reading stops
 * at the first refusal, because what follows it may mean something else. */
#include "plan/yaml_tree.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"

struct builder {
    struct yaml_tree *tree;
    struct complaints *complaints;
    uint32_t origin;
    uint32_t root;
    uint32_t open[YAML_TREE_DEPTH]; /* containers being filled */
    uint32_t last[YAML_TREE_DEPTH]; /* their last child */
    bool is_value[YAML_TREE_DEPTH]; /* in a map: the next child is a value */
    size_t depth;
    size_t documents;
};

static struct place place_of(const struct builder *b, yaml_mark_t mark)
{
    return (struct place){b->origin, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static uint32_t add_node(struct yaml_tree *tree, enum yaml_kind kind, struct place place)
{
    struct yaml_node *moved =
        lr_grow(tree->nodes, tree->count, &tree->capacity, sizeof(*tree->nodes));
    if (!moved)
        return YAML_TREE_NONE;
    tree->nodes = moved;
    tree->nodes[tree->count] = (struct yaml_node){
        .kind = kind, .place = place, .first = YAML_TREE_NONE, .next = YAML_TREE_NONE};
    return (uint32_t)tree->count++;
}

static bool set_text(struct yaml_tree *tree, uint32_t node, const char *text, size_t length)
{
    if (tree->text_size + length + 1 > tree->text_capacity) {
        size_t wanted = 2 * (tree->text_size + length + 1);
        char *moved = lr_realloc(tree->texts, wanted);
        if (!moved)
            return false;
        tree->texts = moved;
        tree->text_capacity = wanted;
    }
    memcpy(tree->texts + tree->text_size, text, length);
    tree->texts[tree->text_size + length] = '\0';
    tree->nodes[node].text = (uint32_t)tree->text_size;
    tree->nodes[node].length = (uint32_t)length;
    tree->text_size += length + 1;
    return true;
}

/* Appends a node to the innermost open container; false with a complaint. */
static bool attach(struct builder *b, uint32_t node)
{
    if (b->depth == 0) {
        b->root = node;
        return true;
    }
    struct yaml_node *nodes = b->tree->nodes;
    size_t top = b->depth - 1;
    if (nodes[b->open[top]].kind == YAML_MAP) {
        b->is_value[top] = !b->is_value[top];
        if (b->is_value[top] && nodes[node].kind != YAML_SCALAR) {
            complain(b->complaints, nodes[node].place, "", "a key must be a plain word");
            return false;
        }
        if (b->is_value[top] && strlen(b->tree->texts + nodes[node].text) != nodes[node].length) {
            complain(b->complaints, nodes[node].place, "", "a key holds a NUL character");
            return false;
        }
    }
    if (b->last[top] == YAML_TREE_NONE)
        nodes[b->open[top]].first = node;
    else
        nodes[b->last[top]].next = node;
    b->last[top] = node;
    return true;
}

static bool no_memory(struct builder *b)
{
    b->complaints->no_memory = true;
    return false;
}

static bool open_container(struct builder *b, enum yaml_kind kind, struct place place)
{
    if (b->depth == YAML_TREE_DEPTH) {
        complain(b->complaints, place, "", "nested deeper than %d levels", YAML_TREE_DEPTH);
        return false;
    }
    uint32_t node = add_node(b->tree, kind, place);
    if (node == YAML_TREE_NONE)
        return no_memory(b);
    if (!attach(b, node))
        return false;
    b->open[b->depth] = node;
    b->last[b->depth] = YAML_TREE_NONE;
    b->is_value[b->depth] = false;
    b->depth++;
    return true;
}

static bool add_scalar(struct builder *b, const yaml_event_t *event, struct place place)
{
    uint32_t node = add_node(b->tree, YAML_SCALAR, place);
    if (node == YAML_TREE_NONE ||
        !set_text(b->tree, node, (const char *)event->data.scalar.value, event->data.scalar.length))
        return no_memory(b);
    b->tree->nodes[node].quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return attach(b, node);
}

/* True without anchor and tag; else complains. */
static bool is_plain(struct builder *b, struct place place, const yaml_char_t *anchor,
                     const yaml_char_t *tag)
{
    char name[QUOTABLE];
    if (anchor)
        complain(b->complaints, place, "",
                 "anchors (&%s) are not supported; write the value out where it is used",
                 quotable((const char *)anchor, name));
    else if (tag)
        complain(b->complaints, place, "", "tags (%s) are not supported; leave it out",
                 quotable((const char *)tag, name));
    return !anchor && !tag;
}

/* False stops the reading, with a complaint or no_memory. */
static bool take_event(struct builder *b, const yaml_event_t *event)
{
    struct place place = place_of(b, event->start_mark);
    char name[QUOTABLE];
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++ == 0)
            return true;
        complain(b->complaints, place, "", "a second document; a plan is one");
        return false;
    case YAML_ALIAS_EVENT:
        complain(b->complaints, place, "", "aliases (*%s) are not supported; write the value out",
                 quotable((const char *)event->data.alias.anchor, name));
        return false;
    case YAML_SCALAR_EVENT:
        return is_plain(b, place, event->data.scalar.anchor, event->data.scalar.tag) &&
               add_scalar(b, event, place);
    case YAML_SEQUENCE_START_EVENT:
        return is_plain(b, place, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag) &&
               open_container(b, YAML_LIST, place);
    case YAML_MAPPING_START_EVENT:
        return is_plain(b, place, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag) &&
               open_container(b, YAML_MAP, place);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return true;
    default:
        return true;
    }
}

/* Line and column (in characters) of a byte. */
static struct place place_of_byte(const char *text, size_t offset, uint32_t origin)
{
    struct place place = {origin, 1, 1};
    for (size_t i = 0; i < offset; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n') {
            place.line++;
            place.column = 1;
        } else if ((c & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/* Checks size and encoding before libyaml parses the text; false with a complaint. */
static bool check_text(const char *text, size_t size, uint32_t origin,
                       struct complaints *complaints)
{
    if (size > YAML_TREE_BYTES) {
        complain(complaints, (struct place){origin, 0, 0}, "",
                 "larger than 1 MB; a plan is a page of text: is this the right file?");
        return false;
    }
    size_t valid = lr_utf8_prefix(text, size);
    if (valid < size)
        complain(complaints, place_of_byte(text, valid, origin), "",
                 "byte 0x%02x is not UTF-8; save the plan as UTF-8 text",
                 (unsigned)(unsigned char)text[valid]);
    return valid == size;
}

/* The byte at a mark, whose index counts characters; '\0' at the end. */
static char byte_at(const char *text, size_t size, yaml_mark_t mark)
{
    size_t at = 0;
    for (size_t characters = 0; at < size; at++)
        if (((unsigned char)text[at] & 0xC0) != 0x80 && characters++ == mark.index)
            return text[at];
    return '\0';
}

/* What to write instead, where libyaml's words do not say it. */
static const char *mend_of(const char *problem, char byte)
{
    if (byte == '\t' || strstr(problem, "tab character"))
        return "; YAML is indented with spaces: replace the tab";
    if (strstr(problem, "escape character") || strstr(problem, "hexdecimal number"))
        return "; a backslash in \"double quotes\" begins an escape: write a regex or a path in "
               "'single quotes'";
    return "";
}

static void complain_of_parser(struct builder *b, const yaml_parser_t *parser, const char *text,
                               size_t size)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR) {
        b->complaints->no_memory = true;
    } else if (parser->error == YAML_READER_ERROR) {
        size_t offset = parser->problem_offset < size ? parser->problem_offset : size;
        complain(b->complaints, place_of_byte(text, offset, b->origin), "", "%s", problem);
    } else {
        complain(b->complaints, place_of(b, parser->problem_mark), "", "%s%s%s%s", problem,
                 parser->context ? " " : "", parser->context ? parser->context : "",
                 mend_of(problem, byte_at(text, size, parser->problem_mark)));
    }
}

uint32_t yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t size, uint32_t origin,
                         struct complaints *complaints)
{
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* skips a byte order mark */
        text += 3;
        size -= 3;
    }
    if (!check_text(text, size, origin, complaints))
        return YAML_TREE_NONE;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        complaints->no_memory = true;
        return YAML_TREE_NONE;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);

    struct builder b = {
        .tree = tree, .complaints = complaints, .origin = origin, .root = YAML_TREE_NONE};
    bool good = true, end = false;
    while (good && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            complain_of_parser(&b, &parser, text, size);
            good = false;
            break;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        good = take_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return good ? b.root : YAML_TREE_NONE;
}

void yaml_tree_release(struct yaml_tree *tree)
{
    lr_free(tree->nodes);
    lr_free(tree->texts);
    memset(tree, 0, sizeof(*tree));
}

const char *yaml_tree_text(const struct yaml_tree *tree, const struct yaml_node *node)
{
    return tree->texts + node->text;
}

bool yaml_tree_is_null(const struct yaml_tree *tree, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    const char *text = yaml_tree_text(tree, node);
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}
