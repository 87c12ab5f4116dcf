/* S3's event notifications ("Event message structure", S3 User Guide): event version 2.1, and 2.3
 * for tags and ACLs. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_EVENTS_H
#define THUMBWHEEL_LOCAL_S3_EVENTS_H

#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "notification.h"
#include "s3_request.h"
#include "storage.h"

struct s3_event {
    const char *name;    /* "ObjectCreated:Put" */
    const char *key;     /* decoded */
    uint64_t size;       /* of a created object */
    const char *etag;    /* without quotes; NULL: a removal */
    const char *version; /* its id; NULL or "": the bucket has no versions */
    uint64_t sequencer;
    int64_t time_ms;           /* Unix */
    int64_t restored_until_ms; /* of a restored object; 0: none */
    const char *storage_class; /* of a restored object, or the new one of a transition; or NULL */
    const char *agent; /* the service that caused it: "s3.amazonaws.com"; NULL: the account */
    /* s3_events_send sets these from the request. */
    const char *bucket;
    const char *request_id;
    const char *region;
    const char *owner;   /* of the bucket: its account */
    const char *user;    /* the requester */
    const char *account; /* of the requester */
};

/* The message for one rule, for free(), or NULL if memory is short. */
char *s3_event_message(const struct s3_event *event, const char *configuration_id);

/* s3:TestEvent. */
char *s3_test_event_message(const char *bucket, const char *request_id, int64_t time_ms);

/* The key as written in events: form-encoded, '/' literal. */
int s3_event_encode_key(struct buffer *out, const char *key);

/* Whether any rule matches or EventBridge is enabled. */
bool s3_events_wanted(const struct notification *notification, const char *event, const char *key);

/* Adds the messages for all matching rules and for EventBridge to the unit. ERR_MEMORY: the unit
 * must not be committed. */
int s3_events_send(struct s3_request *request, const struct notification *notification,
                   const struct s3_event *event, struct storage_unit *unit);

/* The same without a request: bucket and request_id are set in the event. */
int s3_events_send_for(struct cloud *cloud, const struct notification *notification,
                       const struct s3_event *event, struct storage_unit *unit);

/* Adds an s3:TestEvent for the target. ERR_MEMORY. */
int s3_events_send_test(struct s3_request *request, const char *target, struct storage_unit *unit);

#endif
