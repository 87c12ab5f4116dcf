/*
 * Writes a jansson tree as YAML for people to read: a short value stands on the line of its key. A
 * member whose key begins with '#' becomes comment lines before the member that follows it. Any
 * thread.
 */
#ifndef THUMBWHEEL_YAML_WRITE_H
#define THUMBWHEEL_YAML_WRITE_H

#include <jansson.h>

#include "bytes.h"

/* Appends to the buffer; returns its error. */
int yaml_write(const json_t *object, struct buffer *out);

#endif
