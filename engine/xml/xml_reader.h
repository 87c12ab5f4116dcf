/*
 * Reads an XML document from a peer element by element, without building anything.
 *
 * Attributes are ignored, and names are local: a namespace and its prefix are left out. A document
 * type declaration is refused, and with it every entity of the document's own; so are nesting,
 * paths, texts and numbers of elements beyond the limits, and encodings other than UTF-8. Any
 * thread.
 */
#ifndef THUMBWHEEL_XML_READER_H
#define THUMBWHEEL_XML_READER_H

#include "bytes.h"

enum {
    XML_DEPTH_MAX = 16,
    XML_PATH_MAX = 256,
    XML_TEXT_MAX = 64 * 1024,     /* bytes directly in one element */
    XML_ELEMENTS_MAX = 64 * 1024, /* CompleteMultipartUpload of 10,000 parts has 40,000 and more */
};

/* Called at the start of each element. An error ends the reading. */
typedef int xml_on_start(void *user, const char *name);
/* Called at the end of each element. path: the names of its ancestors and its own,
 * "ListBucketResult/Contents/Key"; text: its character data outside its children. start and end are
 * the byte offsets of the whole element in the document. An error ends the reading. */
typedef int xml_on_end(void *user, const char *path, struct slice text, size_t start, size_t end);

/* on_start may be NULL. 0, ERR_PROTOCOL (not well-formed, or refused), ERR_MEMORY, or what a
 * callback returned. */
int xml_read(struct slice document, xml_on_start *on_start, xml_on_end *on_end, void *user);

#endif
