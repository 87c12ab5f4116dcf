/* A YAML document as a small tree with the position of each node in the file. */
#ifndef THUMBWHEEL_YAML_READER_H
#define THUMBWHEEL_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "problems.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_place { /* both from 1 */
    int line;
    int column;
};

struct yaml_node {
    enum yaml_kind kind;
    struct yaml_place place;
    char *text;  /* text of a scalar; "" if empty */
    bool quoted; /* quoted or a block scalar: never a number or a boolean */

    char *name; /* in a map: the key, else NULL */
    struct yaml_place name_place;

    struct yaml_node *children; /* items of a list or a map, in file order */
    struct yaml_node *next;
};

/* Reads one document. Duplicate names are problems too, but do not stop the reader: the first one
 * is used. */
int yaml_read(struct slice text, const char *file, struct yaml_node **out,
              struct problem_list *problems);
void yaml_free(struct yaml_node *node);

/* A value of a map by its key, or NULL. */
const struct yaml_node *yaml_child(const struct yaml_node *map, const char *name);
/* "an empty value", "a list", "a map", "the text \"12\"", "true", … for an error message. */
const char *yaml_describe(const struct yaml_node *node, char *buffer, size_t size);

#endif
