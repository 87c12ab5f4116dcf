/* SNS over its Query protocol: form requests, XML responses. Loop thread. */
#ifndef THUMBWHEEL_AWS_SNS_H
#define THUMBWHEEL_AWS_SNS_H

#include "aws_request.h"

struct sns_parameter {
    const char *name;  /* "TopicArn", "Attributes.entry.1.key" */
    const char *value; /* NULL: omitted */
};

struct sns_client_call {
    const char *action; /* static */
    const char *resource;
    const char *topic_arn; /* its region determines the endpoint; NULL: the region of struct aws */
    const struct sns_parameter *parameters;
    size_t parameter_count;
    const struct trace_context *trace; /* NULL: none */
    bool settling;
    bool of_store; /* a topic of the object store (Ceph), at the endpoint of S3 */
    aws_replied *done;
    void (*release)(void *user);
    void *user;
    struct aws_request **out; /* for cancelling it; NULL: not wanted */
};

int sns_start(struct aws *aws, const struct sns_client_call *call);

/* One element of a 2xx reply by its path ("CreateTopicResponse/CreateTopicResult/TopicArn"); *out
 * is for free(), or NULL if absent. ERR_PROTOCOL: the reply cannot be read; ERR_MEMORY. */
int sns_response_text(const struct aws_reply *reply, const char *path, char **out);
/* The same for the value of an attribute map entry; path is that of the entry element. */
int sns_response_attribute(const struct aws_reply *reply, const char *path, const char *key,
                           char **out);

#endif
