/*
 * Parameters of the Query protocol as a tree, in the shape that the JSON protocol has.
 *
 * "A.1.Name=x&A.1.Value=y" is a tree of names; numbers make lists (with SNS's ".member." and
 * ".entry." left out), and a list of Name/Value, Key/Value or key/value pairs makes an object. So
 * the actions read one shape, whatever the protocol. Loop thread.
 */
#ifndef THUMBWHEEL_FORM_H
#define THUMBWHEEL_FORM_H

#include <jansson.h>

#include "bytes.h"

struct form_name { /* what the two protocols name differently */
    const char *query, *json;
};

/* Adds the parameters of a query string or form body to *tree (an object). ERR_INVALID: not a form,
 * not UTF-8, a name that is a value and a tree at once; ERR_LIMIT: too many or too deep;
 * ERR_MEMORY. */
int form_parse(json_t *tree, struct slice text, const struct form_name *names, size_t name_count);

/* The shaped tree, a new reference; NULL without memory. */
json_t *form_shape(const json_t *tree);

#endif
