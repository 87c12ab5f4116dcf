/* The parameters of a query as they were sent. Any thread. */
#ifndef THUMBWHEEL_LOCAL_QUERY_TEXT_H
#define THUMBWHEEL_LOCAL_QUERY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* The part of *rest before the next separator; *rest is then the text after it. */
struct slice query_cut(struct slice *rest, char separator);
/* The next parameter, not decoded; value->data is NULL without '='. False: there is none. */
bool query_next(struct slice *rest, struct slice *name, struct slice *value);
/* By name; the value as sent. False: absent. */
bool query_find(struct slice query, const char *name, struct slice *value);
bool query_has(struct slice query, const char *name);
/* Decoded, with the NUL. False: absent, empty, too long for the room, or not well-formed. */
bool query_value(struct slice query, const char *name, char *out, size_t room);
bool query_decode(struct slice value, char *out, size_t room);

/* Copies a text with its NUL. False: it is empty, too long, or contains a NUL. */
bool query_copy(char *out, size_t room, struct slice text);

#endif
