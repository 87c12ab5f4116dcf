/* Writes XML: escaped text, and a JSON tree for responses of the Query protocols. */
#ifndef THUMBWHEEL_XML_TREE_H
#define THUMBWHEEL_XML_TREE_H

#include <jansson.h>

#include "bytes.h"

struct xml_rule { /* for a member that is a list, or a map of names to values */
    const char *member, *element;
    const char *key, *value; /* of a map's pairs; NULL: a list */
};

struct xml_style {
    const struct xml_rule *rules;
    size_t rule_count;
    bool nested; /* SNS: <Member><member>… and <Member><entry>…; SQS repeats <Element> instead */
};

/* Escaped; control characters become references, and what is no UTF-8 a question mark. */
int xml_text(struct buffer *out, struct slice text);
int xml_element(struct buffer *out, const char *name, const char *text);
/* The members of an object, as elements. */
int xml_members(struct buffer *out, json_t *object, const struct xml_style *style);

#endif
