/*
 * Writes a jansson tree as compact JSON, as json_dumps does with JSON_COMPACT, but with yajl, which
 * copies text without escapes in one piece. Any thread.
 */
#ifndef THUMBWHEEL_JSON_WRITE_H
#define THUMBWHEEL_JSON_WRITE_H

#include <jansson.h>

#include "bytes.h"

enum { JSON_WRITE_DEPTH_MAX = 100 };

/* Appends to the buffer. ERR_MEMORY; ERR_LIMIT: the tree is nested deeper than
 * JSON_WRITE_DEPTH_MAX, or the text is longer than the buffer's maximum. */
int json_write(const json_t *value, struct buffer *out);

#endif
