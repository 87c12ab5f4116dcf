#include "s3_xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xml_reader.h"

enum { WRITTEN_MAX = 4 * 1024 * 1024 };

/* Writing. */

void s3_xml_begin(struct buffer *out, const char *root)
{
    buffer_text(out, XML_DECLARATION "\n");
    buffer_format(out, "<%s xmlns=\"" S3_XML_NAMESPACE "\">", root);
}

/* Reading. */

struct tree_reader {
    struct s3_xml_node *root;
    struct s3_xml_node *open[XML_DEPTH_MAX];   /* from the root to the current element */
    struct s3_xml_node **tails[XML_DEPTH_MAX]; /* where the next child of each goes */
    size_t depth;
};

static int start_node(void *user, const char *name)
{
    struct tree_reader *reader = user;
    struct s3_xml_node *node = calloc(1, sizeof *node);
    if (!node)
        return ERR_MEMORY;
    if (reader->depth) {
        *reader->tails[reader->depth - 1] = node;
        reader->tails[reader->depth - 1] = &node->next;
    } else {
        reader->root = node;
    }
    reader->open[reader->depth] = node;
    reader->tails[reader->depth++] = &node->first;
    node->name = strdup(name);
    return node->name ? 0 : ERR_MEMORY;
}

static int end_node(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct tree_reader *reader = user;
    struct s3_xml_node *node = reader->open[--reader->depth];
    (void)path;
    (void)start;
    (void)end;
    node->text = slice_dup(text);
    return node->text ? 0 : ERR_MEMORY;
}

int s3_xml_parse(struct slice text, struct s3_xml_node **root, struct error *error)
{
    struct tree_reader reader = {0};
    int code = xml_read(text, start_node, end_node, &reader);
    *root = reader.root;
    if (!code)
        return 0;
    s3_xml_free(reader.root);
    *root = NULL;
    if (code == ERR_MEMORY)
        return error_set(error, ERR_MEMORY, "out of memory");
    return error_set(error, ERR_INVALID, "malformed XML");
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
    struct s3_xml_node *node = calloc(1, sizeof *node);
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
        xml_open(out, node->name);
    for (const struct s3_xml_node *child = node->first; child; child = child->next)
        write_node(out, child, false);
    if (!node->first)
        xml_text(out, slice_of(node->text));
    xml_close(out, node->name);
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
