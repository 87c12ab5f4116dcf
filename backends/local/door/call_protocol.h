/*
 * The protocols of service calls: AWS JSON 1.0 and 1.1 (Smithy), and Query ("Making API requests"
 * in the guides of SQS, SNS and STS). Each is a table of functions between a request and the JSON
 * trees of a service_call. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_CALL_PROTOCOL_H
#define THUMBWHEEL_LOCAL_CALL_PROTOCOL_H

#include "form.h"
#include "query_xml.h"
#include "service_call.h"

struct call_protocol {
    enum router_wire wire;
    const char *noun; /* what the protocol calls an operation */

    /* The operation's name, borrowed from the request or from the input. Fills *input (owned by the
     * caller, also on an error) if the name is part of it. A code of service_error.h. */
    int (*read_name)(struct cloud_request *request, const struct service_api *api,
                     const char **name, json_t **input, struct service_error *error);
    /* The input, if read_name has not read it. */
    int (*read_input)(struct cloud_request *request, json_t **input, struct service_error *error);

    /* Both set request->status, and respond at once. */
    void (*respond)(struct service_call *call);
    void (*refuse)(struct cloud_request *request, const struct service_api *api,
                   const struct service_error *error);
};

extern const struct call_protocol protocol_json_1_0; /* with x-amzn-query-error */
extern const struct call_protocol protocol_json_1_1;
extern const struct call_protocol protocol_query;

struct query_shape { /* what differs between the services that speak Query */
    const char *xml_namespace;
    bool is_sqs; /* its documents have an XML declaration, and its errors an empty Detail */
    const struct form_name *names; /* of parameters that the JSON protocol names differently */
    size_t name_count;
    struct xml_style style; /* of responses */
    /* The list in the output whose elements have the operation's name (SendMessageBatchResultEntry),
     * or NULL. */
    const char *entries;
};

/* The errors of the JSON protocols, for the router too. */
void json_error_write(struct buffer *out, const char *type, const char *text);

#endif
