/*
 * Parameters of the Query protocol as a tree with the structure of the JSON protocol.
 *
 * "A.1.Name=x&A.1.Value=y" is a tree of names; numbers form lists (".member." and ".entry." of SNS
 * are skipped), and a list of Name/Value, Key/Value or key/value pairs forms an object, unless a
 * name is there twice. So the actions read the same structure in both protocols. Loop thread.
 */
#ifndef THUMBWHEEL_FORM_H
#define THUMBWHEEL_FORM_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"

struct form_name { /* names that differ between the two protocols */
    const char *query, *json;
};

/* Adds the parameters of a query string or form body to *tree (an object). ERR_INVALID: not a form,
 * not UTF-8, or a name that is both a value and a tree; ERR_LIMIT: too many or too deep;
 * ERR_MEMORY. */
int form_parse(json_t *tree, struct slice text, const struct form_name *names, size_t name_count);

/* Whether the parameter with this name is the text of a message, whose characters the service
 * checks: only there a NUL does not make the request malformed. */
bool form_takes_nuls(const char *name);

/* The converted tree, a new reference; NULL if memory is short. */
json_t *form_shape(const json_t *tree);

#endif
