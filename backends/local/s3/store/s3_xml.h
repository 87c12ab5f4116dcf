/*
 * The XML documents of S3: with its namespace when they are written, and as a small tree when they
 * are read, within the limits of xml_reader.h. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_XML_H
#define THUMBWHEEL_LOCAL_S3_XML_H

#include "bytes.h"
#include "error.h"
#include "xml_writer.h"

#define S3_XML_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* The declaration and the root's start tag, with the S3 namespace. */
void s3_xml_begin(struct buffer *out, const char *root);

struct s3_xml_node {
    char *name;                /* local name */
    char *text;                /* its own character data; never NULL */
    struct s3_xml_node *first; /* child */
    struct s3_xml_node *next;  /* sibling */
};

/* ERR_INVALID: not well-formed, or over a limit. *root is for s3_xml_free. */
int s3_xml_parse(struct slice text, struct s3_xml_node **root, struct error *error);
void s3_xml_free(struct s3_xml_node *node);

/* Writes a document, for free(): elements and their text, with the S3 namespace; text beside child
 * elements is omitted. NULL if memory is short. */
char *s3_xml_write(const struct s3_xml_node *root);

/* Inserts a child with text as the first one. ERR_MEMORY. */
int s3_xml_add(struct s3_xml_node *parent, const char *name, const char *text);

/* The first child with that name, or NULL. */
const struct s3_xml_node *s3_xml_child(const struct s3_xml_node *node, const char *name);
/* Its text, or NULL if there is no such child. */
const char *s3_xml_child_text(const struct s3_xml_node *node, const char *name);

#endif
