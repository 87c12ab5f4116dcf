/*
 * XML as S3 speaks it. Writing appends to a buffer, whose error sticks. Reading makes a small tree
 * without attributes and namespaces, with bounds on depth and size, and refuses document types (and
 * with them entities). Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_XML_H
#define THUMBWHEEL_LOCAL_S3_XML_H

#include <stdint.h>

#include "bytes.h"
#include "error.h"

#define S3_XML_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* The declaration and the root's start tag, with S3's namespace. */
void s3_xml_begin(struct buffer *out, const char *root);
void s3_xml_open(struct buffer *out, const char *name);
void s3_xml_close(struct buffer *out, const char *name);
void s3_xml_escape(struct buffer *out, struct slice text);
void s3_xml_text(struct buffer *out, const char *name, const char *text);
void s3_xml_slice(struct buffer *out, const char *name, struct slice text);
void s3_xml_number(struct buffer *out, const char *name, uint64_t number);

struct s3_xml_node {
    char *name;                /* local name */
    char *text;                /* all character data directly in it; never NULL */
    struct s3_xml_node *first; /* child */
    struct s3_xml_node *next;  /* sibling */
};

/* ERR_INVALID: not well-formed, or beyond the bounds. *root is for s3_xml_free. */
int s3_xml_parse(struct slice text, struct s3_xml_node **root, struct error *error);
void s3_xml_free(struct s3_xml_node *node);

/* A document again, for free(): elements and their text, with S3's namespace; of an element with
 * children the children alone. NULL when memory is short. */
char *s3_xml_write(const struct s3_xml_node *root);

/* One more child with a text, the first. ERR_MEMORY. */
int s3_xml_add(struct s3_xml_node *parent, const char *name, const char *text);

/* The first child of that name, or NULL. */
const struct s3_xml_node *s3_xml_child(const struct s3_xml_node *node, const char *name);
/* Its text, or NULL where there is no such child. */
const char *s3_xml_child_text(const struct s3_xml_node *node, const char *name);

#endif
