/*
 * Describes a service of the embedded cloud to the router, the fault plan and the documentation.
 * services.c lists them. Constant.
 */
#ifndef THUMBWHEEL_LOCAL_CLOUD_SERVICE_H
#define THUMBWHEEL_LOCAL_CLOUD_SERVICE_H

#include "cloud.h"
#include "cors_headers.h"
#include "operations.h"

struct service_api; /* service_call.h */

struct cloud_service {
    const char *name;  /* in the credential scope */
    const char *title; /* for messages */

    operation_row *operations;     /* the dispatch table */
    const struct service_api *api; /* for service_call_handle; NULL: S3, which has its own */

    /* Called when the headers are complete and the signature is valid; takes the body and
     * responds. */
    void (*handle)(struct cloud_request *request);
    bool collects; /* the router collects the body, because the signature covers its hash */
    /* Responds if the body is larger than the router collects. NULL: the HTTP server sends 413. */
    void (*refuse_size)(struct cloud_request *request);

    /* An action of a form that is never signed: handle gets it without a caller. NULL: none. */
    const char *unsigned_action;

    /* Handles unsigned requests that are public. NULL: none. */
    bool (*is_public)(const struct cloud_request *request);
    void (*handle_public)(struct cloud_request *request);

    /* Whether a page of another origin may make the request (browser_guard.h). NULL: none may. */
    bool (*allows_page)(const struct cloud *cloud, const struct http_call *call);

    /* Adds the CORS headers that a page of another origin needs to read a refusal. NULL: none. */
    void (*fill_refusal)(struct cors_headers *headers, const struct cloud *cloud,
                         const struct http_call *call);
};

#endif
