/*
 * A service of the embedded cloud, as the router, the fault plan and the documentation see it. Each
 * service has one; services.c lists them. Constant.
 */
#ifndef THUMBWHEEL_LOCAL_CLOUD_SERVICE_H
#define THUMBWHEEL_LOCAL_CLOUD_SERVICE_H

#include "cloud.h"
#include "cors_headers.h"
#include "operations.h"

struct cloud_service {
    const char *name;  /* in the credential scope */
    const char *title; /* for people */

    operation_row *operations; /* the dispatch table */

    /* Called when headers are in and the signature holds; takes the body and responds. */
    void (*handle)(struct cloud_request *request);
    bool collects; /* the router collects the body, whose hash the signature covers */
    /* For a body that is larger than the router collects. NULL: 413 of the HTTP server. */
    void (*refuse_size)(struct cloud_request *request);

    /* Unsigned requests that this service serves to anybody. NULL: none. */
    bool (*is_public)(const struct cloud_request *request);
    void (*handle_public)(struct cloud_request *request);

    /* Adds to a refusal what a page of another origin must know to read it. NULL: nothing. */
    void (*fill_refusal)(struct cors_headers *headers, const struct cloud *cloud,
                         const struct http_call *call);
};

#endif
