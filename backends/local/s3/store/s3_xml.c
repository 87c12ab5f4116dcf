#include "s3_xml.h"

#include <expat.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xml_tree.h"

enum {
    DEPTH_MAX = 16,
    NODES_MAX = 65536,    /* CompleteMultipartUpload with 10,000 parts has more than 40,000 */
    TEXT_MAX = 64 * 1024, /* of one element */
    WRITTEN_MAX = 4 * 1024 * 1024,
};

static const char SEPARATOR = '\n'; /* separates namespace and name; occurs in neither */

/* Writing. */

void s3_xml_begin(struct buffer *out, const char *root)
{
    buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buffer_format(out, "<%s xmlns=\"" S3_XML_NAMESPACE "\">", root);
}

void s3_xml_open(struct buffer *out, const char *name)
{
    buffer_format(out, "<%s>", name);
}

void s3_xml_close(struct buffer *out, const char *name)
{
    buffer_format(out, "</%s>", name);
}

void s3_xml_escape(struct buffer *out, struct slice text)
{
    xml_text(out, text);
}

void s3_xml_slice(struct buffer *out, const char *name, struct slice text)
{
    s3_xml_open(out, name);
    s3_xml_escape(out, text);
    s3_xml_close(out, name);
}

void s3_xml_text(struct buffer *out, const char *name, const char *text)
{
    s3_xml_slice(out, name, slice_of(text));
}

void s3_xml_number(struct buffer *out, const char *name, uint64_t number)
{
    buffer_format(out, "<%s>%" PRIu64 "</%s>", name, number, name);
}

/* Reading. */

struct level {
    struct s3_xml_node *node;
    struct s3_xml_node **tail; /* place for the next child */
    struct buffer text;
};

struct s3_xml_reader {
    XML_Parser parser;
    struct s3_xml_node *root;
    struct level levels[DEPTH_MAX];
    size_t depth;
    size_t nodes;
    int error;
};

static void fail(struct s3_xml_reader *reader, int error)
{
    if (!reader->error)
        reader->error = error;
    XML_StopParser(reader->parser, XML_FALSE);
}

static struct s3_xml_node *node_create(const char *name)
{
    struct s3_xml_node *node = calloc(1, sizeof(*node));
    const char *local = strrchr(name, SEPARATOR);
    if (node)
        node->name = strdup(local ? local + 1 : name);
    if (node && !node->name) {
        free(node);
        return NULL;
    }
    return node;
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct s3_xml_reader *reader = user;
    (void)attributes;
    if (reader->error)
        return;
    if (reader->depth == DEPTH_MAX || reader->nodes++ == NODES_MAX) {
        fail(reader, ERR_INVALID);
        return;
    }
    struct s3_xml_node *node = node_create(name);
    if (!node) {
        fail(reader, ERR_MEMORY);
        return;
    }
    if (reader->depth) {
        struct level *parent = &reader->levels[reader->depth - 1];
        *parent->tail = node;
        parent->tail = &node->next;
    } else {
        reader->root = node;
    }
    struct level *level = &reader->levels[reader->depth++];
    level->node = node;
    level->tail = &node->first;
    buffer_init(&level->text, TEXT_MAX);
}

static void on_text(void *user, const XML_Char *text, int size)
{
    struct s3_xml_reader *reader = user;
    if (reader->error || !reader->depth)
        return;
    struct buffer *kept = &reader->levels[reader->depth - 1].text;
    if (buffer_append(kept, text, (size_t)size))
        fail(reader, kept->error == ERR_MEMORY ? ERR_MEMORY : ERR_INVALID);
}

static void on_end(void *user, const XML_Char *name)
{
    struct s3_xml_reader *reader = user;
    (void)name;
    if (reader->error)
        return;
    struct level *level = &reader->levels[--reader->depth];
    level->node->text = level->text.size ? buffer_take_text(&level->text) : strdup("");
    if (!level->node->text)
        fail(reader, ERR_MEMORY);
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(user, ERR_INVALID);
}

static int reader_run(struct s3_xml_reader *reader, struct slice text)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    if (text.size > INT32_MAX)
        return ERR_INVALID;
    enum XML_Status result = XML_Parse(reader->parser, text.data, (int)text.size, 1);
    if (reader->error)
        return reader->error;
    if (result == XML_STATUS_OK)
        return 0;
    return XML_GetErrorCode(reader->parser) == XML_ERROR_NO_MEMORY ? ERR_MEMORY : ERR_INVALID;
}

int s3_xml_parse(struct slice text, struct s3_xml_node **root, struct error *error)
{
    struct s3_xml_reader reader = {.parser = XML_ParserCreateNS(NULL, SEPARATOR)};
    *root = NULL;
    if (!reader.parser)
        return error_set(error, ERR_MEMORY, "out of memory");
    int status = reader_run(&reader, text);
    XML_ParserFree(reader.parser);
    while (reader.depth)
        buffer_free(&reader.levels[--reader.depth].text);
    if (status) {
        s3_xml_free(reader.root);
        return error_set(error, status, status == ERR_MEMORY ? "out of memory" : "malformed XML");
    }
    *root = reader.root;
    return 0;
}

/* Depth is limited, so recursion is too; siblings are handled in a loop. */
void s3_xml_free(struct s3_xml_node *node)
{
    while (node) {
        struct s3_xml_node *next = node->next;
        s3_xml_free(node->first);
        free(node->name);
        free(node->text);
        free(node);
        node = next;
    }
}

int s3_xml_add(struct s3_xml_node *parent, const char *name, const char *text)
{
    struct s3_xml_node *node = calloc(1, sizeof(*node));
    if (!node)
        return ERR_MEMORY;
    node->name = strdup(name);
    node->text = strdup(text);
    if (!node->name || !node->text) {
        s3_xml_free(node);
        return ERR_MEMORY;
    }
    node->next = parent->first;
    parent->first = node;
    return 0;
}

static void write_node(struct buffer *out, const struct s3_xml_node *node, bool is_root)
{
    if (is_root)
        s3_xml_begin(out, node->name);
    else
        s3_xml_open(out, node->name);
    for (const struct s3_xml_node *child = node->first; child; child = child->next)
        write_node(out, child, false);
    if (!node->first)
        s3_xml_escape(out, slice_of(node->text));
    s3_xml_close(out, node->name);
}

char *s3_xml_write(const struct s3_xml_node *root)
{
    struct buffer out;
    buffer_init(&out, WRITTEN_MAX);
    write_node(&out, root, true);
    return buffer_take_text(&out);
}

const struct s3_xml_node *s3_xml_child(const struct s3_xml_node *node, const char *name)
{
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (strcmp(child->name, name) == 0)
            return child;
    }
    return NULL;
}

const char *s3_xml_child_text(const struct s3_xml_node *node, const char *name)
{
    const struct s3_xml_node *child = s3_xml_child(node, name);
    return child ? child->text : NULL;
}
