/*
 * The segments of a multipart object while it is being read.
 *
 * All readers of an object share one list, from the first to the last of them. An object that is
 * replaced or deleted meanwhile stays readable: its blobs are marked as dropped as ever, but their
 * files go when the last reader releases the list, or at the next opening.
 *
 * All functions: storage thread.
 */
#ifndef THUMBWHEEL_LOCAL_SEGMENTS_H
#define THUMBWHEEL_LOCAL_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blobs.h"

struct segment {
    uint64_t start; /* in the object */
    uint64_t size;
    uint64_t blob;
    unsigned number; /* of the part */
    bool dropped;    /* the file goes with the last reader */
};

struct segments {
    struct list link; /* in blobs->segments */
    struct blobs *blobs;
    uint64_t owner;
    unsigned readers;
    size_t count;
    struct segment list[];
};

/* Release what was acquired. ERR_NOT_FOUND: the owner has no parts. */
int segments_acquire(struct blobs *blobs, uint64_t owner, struct segments **out,
                     struct error *error);
void segments_release(struct segments *segments);

/* The segment that holds a byte of the object; there must be one. */
size_t segments_at(const struct segments *segments, uint64_t offset);
/* The segment of a part; NULL: there is no such part. */
const struct segment *segments_part(const struct segments *segments, unsigned number);

/* Takes over the end of a dropped blob's file. False: nobody reads it. */
bool segments_defer(struct blobs *blobs, uint64_t blob);

#endif
