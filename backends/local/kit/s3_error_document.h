/* The XML document of every S3 error, whether the router or S3 itself refuses a request: a code, a
 * message, the elements that S3 adds to that error, and the request's id. Any thread. */
#ifndef THUMBWHEEL_S3_ERROR_DOCUMENT_H
#define THUMBWHEEL_S3_ERROR_DOCUMENT_H

#include "bytes.h"

struct s3_error_document {
    const char *code, *message;
    struct slice elements; /* XML */
    const char *id;        /* of the request */
};

/* Errors remain in the buffer. */
void s3_error_document_write(struct buffer *out, const struct s3_error_document *document);

#endif
