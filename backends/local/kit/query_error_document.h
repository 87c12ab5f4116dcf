/* The error document of the Query protocol ("Making API requests": SNS, SQS, STS). Any thread. */
#ifndef THUMBWHEEL_LOCAL_QUERY_ERROR_DOCUMENT_H
#define THUMBWHEEL_LOCAL_QUERY_ERROR_DOCUMENT_H

#include <stdbool.h>

#include "bytes.h"

struct query_error_document {
    const char *xml_namespace; /* NULL: none, when the service is not known */
    bool declared;             /* has an XML declaration */
    bool detail;               /* has an empty Detail, as SQS's do */
    const char *side;          /* "Sender" or "Receiver" */
    const char *code, *message;
    const char *id; /* of the request */
};

/* Appends to out. ERR_MEMORY, ERR_LIMIT. */
int query_error_document_write(struct buffer *out, const struct query_error_document *error);

#endif
