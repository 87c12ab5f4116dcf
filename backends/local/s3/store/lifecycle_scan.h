/*
 * Finds what has expired or moves to another class in one page of a bucket, according to its
 * lifecycle rules. Storage thread, in run(). Changes nothing.
 */
#ifndef THUMBWHEEL_LOCAL_LIFECYCLE_SCAN_H
#define THUMBWHEEL_LOCAL_LIFECYCLE_SCAN_H

#include "blobs.h"
#include "bucket_lifecycle.h"
#include "objects.h"

enum { LIFECYCLE_PAGE = 250, LIFECYCLE_ETAG_SIZE = 64 };

enum lifecycle_finding_kind {
    /* the current version; the bucket's versioning determines how it is deleted */
    LIFECYCLE_CURRENT,
    LIFECYCLE_VERSION, /* permanently delete a version or delete marker */
    LIFECYCLE_UPLOAD,
    LIFECYCLE_TRANSITION,
};

struct lifecycle_finding {
    enum lifecycle_finding_kind kind;
    char *key;
    uint64_t id; /* id of the version's row or of the upload */
    bool versioned;
    /* of a transition */
    const char *new_class; /* static */
    uint64_t size;
    char etag[LIFECYCLE_ETAG_SIZE];
};

struct lifecycle_scan { /* zero it, set bucket, rules and time; call until `ended`; clear it */
    int64_t bucket;
    const struct lifecycle *rules;
    int64_t now_ms;
    bool small_archived; /* see lifecycle_new_class */
    bool ended;
    /* of the page */
    struct lifecycle_finding findings[LIFECYCLE_PAGE];
    size_t count;
    /* private: start of the next page */
    bool in_uploads;
    char *key;
    uint64_t id;
    int64_t modified_ms;
    unsigned noncurrent; /* noncurrent versions of that key so far */
};

int lifecycle_scan_page(struct lifecycle_scan *scan, struct storage *storage, struct error *error);
/* The results of the page. */
void lifecycle_scan_clear_page(struct lifecycle_scan *scan);
void lifecycle_scan_clear(struct lifecycle_scan *scan);

#endif
