/* Writes XML into a buffer, whose error sticks. Names of elements are literals of the program;
 * texts are escaped. Any thread. */
#ifndef THUMBWHEEL_XML_WRITER_H
#define THUMBWHEEL_XML_WRITER_H

#include <stdint.h>

#include "bytes.h"

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

void xml_open(struct buffer *out, const char *name);
void xml_close(struct buffer *out, const char *name);

/* An element with a text, which is written as xml_text does it. */
void xml_element(struct buffer *out, const char *name, const char *text);
void xml_slice(struct buffer *out, const char *name, struct slice text);
void xml_number(struct buffer *out, const char *name, uint64_t number);

/* For a client of S3: control characters become references, as in S3's own responses, although XML
 * 1.0 forbids most of them. Invalid UTF-8 becomes a question mark. */
void xml_text(struct buffer *out, struct slice text);
/* For any reader of XML 1.0: the control characters that it forbids are left out. */
void xml_strict_text(struct buffer *out, struct slice text);

#endif
