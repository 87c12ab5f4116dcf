/* The XML document of every S3 error, whether the router or S3 itself refuses a request. Source:
 * "Error responses" in the S3 API Reference. Any thread. */
#ifndef THUMBWHEEL_S3_ERROR_DOCUMENT_H
#define THUMBWHEEL_S3_ERROR_DOCUMENT_H

#include "bytes.h"

struct s3_error_document {
    const char *code, *message;
    const char *bucket, *key; /* NULL or empty: omitted */
    struct slice resource;    /* the path of the request */
    const char *id;           /* of the request */
};

/* Errors remain in the buffer. */
void s3_error_document_write(struct buffer *out, const struct s3_error_document *document);

#endif
