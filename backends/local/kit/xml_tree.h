/* Writes XML: escaped text, and a JSON tree for responses of the Query protocols. */
#ifndef THUMBWHEEL_XML_TREE_H
#define THUMBWHEEL_XML_TREE_H

#include <jansson.h>

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

/* Appends escaped text; control characters become references, invalid UTF-8 becomes a question
 * mark. */
int xml_text(struct buffer *out, struct slice text);
int xml_element(struct buffer *out, const char *name, const char *text);
/* Writes the members of an object as elements. */
int xml_members(struct buffer *out, json_t *object, const struct xml_style *style);

#endif
