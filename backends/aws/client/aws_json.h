/* AWS JSON, the protocol of SQS (1.0) and EventBridge (1.1). Loop thread. */
#ifndef THUMBWHEEL_AWS_JSON_H
#define THUMBWHEEL_AWS_JSON_H

#include <jansson.h>

#include "aws_request.h"

struct aws_json_call {
    enum aws_service service;
    const char *version;   /* "1.1"; NULL: "1.0" */
    const char *target;    /* "AmazonSQS" */
    const char *operation; /* static */
    const char *resource;
    const char *url;
    const struct trace_context *trace; /* NULL: none */
    const char *region;                /* NULL: the region of struct aws */
    json_t *body; /* taken, even if the start fails; NULL: allocation failed (ERR_MEMORY) */
    bool settling;
    bool once;
    size_t response_max;
    enum http_class class;
    unsigned timeout_ms;
    aws_replied *done;
    void (*release)(void *user);
    void *user;
};

int aws_json_start(struct aws *aws, const struct aws_json_call *call, struct aws_request **out);
/* The object in a valid reply, for operations that return one; release it with json_decref.
 * Otherwise NULL, with the reason in *error. */
json_t *aws_json_response(const struct aws_reply *reply, struct error *error);

/* Members, or NULL/0 when absent or of another type. SQS writes numbers as text in attributes. */
uint64_t aws_json_number(const json_t *object, const char *name);

#endif
