/*
 * Writing a jansson tree as compact JSON, as json_dumps with JSON_COMPACT does; by yajl, which
 * copies what needs no escape in one piece. Any thread.
 */
#ifndef THUMBWHEEL_JSON_WRITE_H
#define THUMBWHEEL_JSON_WRITE_H

#include <jansson.h>

#include "bytes.h"

enum { JSON_WRITE_DEPTH_MAX = 100 };

/* Appends. ERR_MEMORY; ERR_LIMIT: it is nested deeper than JSON_WRITE_DEPTH_MAX, or longer than the
 * buffer's maximum. */
int json_write(const json_t *value, struct buffer *out);

#endif
