/* Writes a JSON tree as XML, for responses of the Query protocols. */
#ifndef THUMBWHEEL_QUERY_XML_H
#define THUMBWHEEL_QUERY_XML_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"

struct xml_rule { /* for a member that is a list or a map from names to values */
    const char *member, *element;
    const char *key, *value; /* for the pairs of a map; NULL: a list */
};

struct xml_style {
    const struct xml_rule *rules;
    size_t rule_count;
    /* SNS: <Member><member>… and <Member><entry>…; false: <Element> is repeated, as in SQS */
    bool nested;
};

/* Writes the members of an object as elements. The buffer's error, which sticks. */
int xml_members(struct buffer *out, json_t *object, const struct xml_style *style);

#endif
