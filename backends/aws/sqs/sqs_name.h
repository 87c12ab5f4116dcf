/* The forms in which a user may name a queue: name, URL, ARN; and the endpoint that follows from
 * them. */
#ifndef THUMBWHEEL_SQS_NAME_H
#define THUMBWHEEL_SQS_NAME_H

#include "aws_json.h"
#include "bytes.h"

/* All members are views into the parsed text. */
struct queue_name {
    struct slice name;    /* the last part */
    struct slice account; /* of an ARN; else empty */
    struct slice region;  /* of an ARN or of an AWS URL; else empty */
    const char *url;      /* NULL unless the text is a URL */
};

int sqs_name_parse(const char *text, struct queue_name *out); /* ERR_INVALID */
/* The URL that requests to the queue are sent to: the host of the queue's URL, unless the user
 * configured another one. For free(); NULL: memory is short, or the URL is invalid. */
char *sqs_name_endpoint(const struct aws *aws, const struct queue_name *name, const char *region);
/* "https://sqs.eu-central-1.amazonaws.com/", for free(). region NULL: that of struct aws. */
char *sqs_endpoint(const struct aws *aws, const char *region);

#endif
