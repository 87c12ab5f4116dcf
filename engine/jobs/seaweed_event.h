/*
 * A SeaweedFS filer's notification: what its filer sends to RabbitMQ (through the Go CDK) and to
 * other queues for each change of an entry. The message EventNotification of
 * seaweedfs/seaweedfs weed/pb/filer.proto, in the binary encoding of Protocol Buffers
 * ("Encoding", protobuf.dev). No I/O; any thread.
 *
 * A bucket is a directory in /buckets (the filer's default); keys are paths and are not encoded. A
 * change that leaves the content as it was, such as new tags, is not a creation, nor is the part of
 * an unfinished multipart upload (/buckets/BUCKET/.uploads/).
 */
#ifndef THUMBWHEEL_SEAWEED_EVENT_H
#define THUMBWHEEL_SEAWEED_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

struct seaweed_event { /* the slices are parts of the body */
    struct slice bucket;
    struct slice directory; /* in the bucket; empty: its top */
    struct slice name;
    struct slice md5; /* of the content, 16 bytes; empty: unknown */
    uint64_t size;    /* of the content, bytes; 0: unknown */
    bool present; /* it names an object; false: a deleted one or something else than an object */
    bool created; /* the object has new content */
};

/* Whether the body is such a message. */
bool seaweed_event_read(struct slice body, struct seaweed_event *out);

/* The key of a present object, to be freed by the caller; NULL: out of memory. */
char *seaweed_event_key(const struct seaweed_event *event);

#endif
