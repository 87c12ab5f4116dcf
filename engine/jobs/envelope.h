/*
 * Parses a message: the objects to process. No I/O; any thread.
 *
 * The format is detected from the message's structure, not configured:
 *   an S3 event (any 2.x; keys form-encoded)    "Event message structure", S3 User Guide. So are
 *                                               those of MinIO, Ceph RGW and RustFS, apart from
 *                                               what docs/messages.md says
 *   an EventBridge "Object Created"             "EventBridge event message structure", S3 User Guide;
 *                                               the key is not encoded
 *   s3:TestEvent                                nothing to do
 *   {"bucket": …, "key": …}                     a plain request
 *   a SeaweedFS filer's notification            see seaweed_event.h
 *   an SNS notification around any of these     "Parsing message formats", SNS Developer Guide
 *   the extended client's pointer               the body is in S3; the message, or the SNS
 *                                               notification, has one of its size attributes
 */
#ifndef THUMBWHEEL_ENVELOPE_H
#define THUMBWHEEL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "trace_context.h"

enum { ENVELOPE_RECORDS_MAX = 128 };

struct envelope_record {
    char *bucket;
    char *key;        /* decoded */
    char *raw_key;    /* NULL: none; see envelope_record_use_raw */
    char *version;    /* NULL: none */
    char *etag;       /* NULL: unknown; without quotes */
    char *sequencer;  /* NULL: unknown */
    char *event;      /* "ObjectCreated:Put"; NULL for a plain request */
    uint64_t size;    /* in bytes; 0: unknown */
    int64_t event_ms; /* time of the event, Unix milliseconds; 0: unknown */
    bool created;     /* false: a removal, a tagging…: nothing to render */
    bool removed;     /* the object or version was deleted */
    bool raw;         /* key is the undecoded key of the event, and raw_key the decoded one */
};

/* S3 encodes the keys in its events, but not every compatible service does. If an event from
 * another source (its eventSource is not aws:s3) has a key that decoding changes, raw_key is the
 * undecoded key. Selects the undecoded key (raw) or the decoded one again; false: nothing
 * changed. */
bool envelope_record_use_raw(struct envelope_record *record, bool raw);

enum envelope_kind {
    ENVELOPE_RECORDS, /* one or more records */
    ENVELOPE_NOTHING, /* a test event */
    ENVELOPE_POINTER, /* the body is in S3: fetch `pointer`, then parse it */
};

struct envelope {
    enum envelope_kind kind;
    struct envelope_record *records;
    size_t count;
    struct envelope_record pointer; /* only bucket and key */
    struct trace_context trace;     /* traceparent among the attributes of the SNS envelope */
};

/* extended: the message has the attribute ExtendedPayloadSize or SQSLargePayloadSize. ERR_INVALID,
 * with a description of the body in the message, ERR_LIMIT (too many records, a key over 1,024
 * bytes), ERR_MEMORY. */
int envelope_parse(struct slice body, bool extended, struct envelope *out, struct error *error);
void envelope_clear(struct envelope *envelope);
/* Whether this attribute of a message says that its body is in S3: ExtendedPayloadSize, or
 * SQSLargePayloadSize of older clients. */
bool envelope_is_size_attribute(const char *name);

#endif
