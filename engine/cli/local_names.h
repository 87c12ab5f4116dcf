/* Names of the resources in the embedded cloud, and their setup. */
#ifndef THUMBWHEEL_LOCAL_NAMES_H
#define THUMBWHEEL_LOCAL_NAMES_H

#define LOCAL_BUCKET      "photos"
#define LOCAL_PREFIX      "ingest/" /* prefix of the keys that start the pipelines */
#define LOCAL_TOPIC       "photo-events"
#define LOCAL_DEAD_SUFFIX "-dlq" /* suffix of a dead-letter queue's name */
#define LOCAL_REGION      "us-east-1"
#define LOCAL_ACCOUNT     "000000000000"

enum {
    LOCAL_MAX_RECEIVES = 3,  /* before a message is moved to the dead-letter queue */
    LOCAL_VISIBILITY_S = 30, /* for queues whose pipeline states none; the default of SQS */
};

#endif
