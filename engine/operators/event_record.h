/* The event that S3 sends for a new object, made for one that exists ("Event message structure", S3
 * User Guide). Any thread. */
#ifndef THUMBWHEEL_EVENT_RECORD_H
#define THUMBWHEEL_EVENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct event_object {
    const char *bucket, *key;
    uint64_t size;
    const char *etag;    /* NULL: unknown */
    const char *version; /* NULL: unknown, or the bucket is not versioned */
};

/* An ObjectCreated:Put event of this time, as JSON for free(); NULL: out of memory. It has no
 * sequencer, since only S3 knows it. region: of the queue or topic; may be "". */
char *event_record_make(const struct event_object *object, const char *region, int64_t now_ms);

/* A deduplication id: the same for the same version of the object. */
enum { DEDUPLICATION_SIZE = 65 };
void event_deduplication(const struct event_object *object, char out[DEDUPLICATION_SIZE]);

#endif
