/* The values of an init file, which have been checked, as the services' APIs take them. */
#ifndef THUMBWHEEL_INIT_VALUES_H
#define THUMBWHEEL_INIT_VALUES_H

#include <jansson.h>
#include <stdbool.h>

#include "json_text.h"

struct yaml_node;

/* The text of a scalar of a map; NULL: absent. */
const char *init_text(const struct yaml_node *map, const char *name);
bool init_switch(const struct yaml_node *map, const char *name, bool fallback);

/* The node as JSON: an unquoted number, true, false or null is one. NULL: no memory. */
json_t *init_json(const struct yaml_node *node);
/* A document as a JSON text, for free(). NULL: no memory. */
char *init_document(const struct yaml_node *node);
/* A scalar as it is, anything else as a JSON text: a JSON string. NULL: no memory. */
json_t *init_attribute(const struct yaml_node *node);

#endif
