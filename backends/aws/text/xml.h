/*
 * Reads XML responses element by element.
 *
 * Intended for AWS responses: small documents of text elements without significant attributes.
 * Document type declarations (and thus custom entities) are refused, as are nesting and texts
 * beyond the limits. Any thread.
 */
#ifndef THUMBWHEEL_AWS_XML_H
#define THUMBWHEEL_AWS_XML_H

#include "bytes.h"

enum { XML_DEPTH_MAX = 16, XML_PATH_MAX = 256, XML_TEXT_MAX = 64 * 1024 };

/* Called at the end of each element. path: its name and its ancestors',
 * "ListBucketResult/Contents/Key"; text: its own text, without that of its children. start and end
 * are the byte offsets of the whole element in the document. An error code stops the parser. */
typedef int xml_element(void *user, const char *path, struct slice text, size_t start, size_t end);

/* 0, ERR_PROTOCOL (not well-formed, or refused), ERR_MEMORY, or what the callback returned. */
int xml_read(struct slice document, xml_element *element, void *user);

/* Appends text with & < > " and ' escaped and control characters omitted.
 */
int xml_escape(struct buffer *out, const char *text);

#endif
