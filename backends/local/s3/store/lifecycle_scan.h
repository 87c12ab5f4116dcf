/*
 * One page of a bucket, looked at with its lifecycle's rules: what has expired. Storage thread, in
 * run(). Nothing is changed.
 */
#ifndef THUMBWHEEL_LOCAL_LIFECYCLE_SCAN_H
#define THUMBWHEEL_LOCAL_LIFECYCLE_SCAN_H

#include "blobs.h"
#include "bucket_lifecycle.h"
#include "objects.h"

enum lifecycle_finding_kind {
    LIFECYCLE_CURRENT, /* the current version; what becomes of it is the bucket's versioning's */
    LIFECYCLE_VERSION, /* a version or delete marker for good */
    LIFECYCLE_UPLOAD,
};

struct lifecycle_finding {
    enum lifecycle_finding_kind kind;
    char *key;
    uint64_t id; /* of the version's row, or the upload */
    bool versioned;
};

enum { LIFECYCLE_PAGE = 250 };

struct lifecycle_scan { /* zero it with a bucket, rules and a time; call until `ended`; clear it */
    int64_t bucket;
    const struct lifecycle *rules;
    int64_t now_ms;
    bool ended;
    /* of the page */
    struct lifecycle_finding findings[LIFECYCLE_PAGE];
    size_t count;
    /* private: where the next page begins */
    bool in_uploads;
    char *key;
    uint64_t id;
    int64_t modified_ms;
    unsigned noncurrent; /* versions of that key so far that are not current */
};

int lifecycle_scan_page(struct lifecycle_scan *scan, struct storage *storage, struct error *error);
/* The findings of the page. */
void lifecycle_scan_clear_page(struct lifecycle_scan *scan);
void lifecycle_scan_clear(struct lifecycle_scan *scan);

#endif
