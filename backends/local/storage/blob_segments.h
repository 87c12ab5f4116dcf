/*
 * The segments of a multipart object while it is being read.
 *
 * All readers of an object share one list, from the first to the last of them. An object that is
 * replaced or deleted meanwhile stays readable: its blobs are marked as dropped as usual, but their
 * files are deleted when the last reader releases the list, or at the next start.
 *
 * All functions: storage thread.
 */
#ifndef THUMBWHEEL_LOCAL_BLOB_SEGMENTS_H
#define THUMBWHEEL_LOCAL_BLOB_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blobs.h"

struct blob_segment {
    uint64_t start; /* in the object */
    uint64_t size;
    uint64_t blob;
    unsigned number; /* of the part */
    uint8_t md5[16]; /* of its bytes */
    bool dropped;    /* the last reader deletes the file */
};

struct blob_segments {
    struct list link; /* in blobs->segments */
    struct blobs *blobs;
    uint64_t owner;
    unsigned readers;
    size_t count, capacity;
    struct blob_segment list[];
};

/* Adds a reader to a list that has readers. NULL: it has none. */
struct blob_segments *blob_segments_share(const struct blobs *blobs, uint64_t owner);
/* A new list with one reader and no segments, to be filled before it is used. NULL if memory is
 * short. */
struct blob_segments *blob_segments_new(struct blobs *blobs, uint64_t owner, size_t capacity);
/* Adds the next segment of the object: all but `start` of it. False: there is no room for it. */
bool blob_segments_add(struct blob_segments *segments, struct blob_segment segment);
/* Releases a reader; the last one frees the list. */
void blob_segments_release(struct blob_segments *segments);

/* The segment that contains the given byte of the object; it must exist. */
size_t blob_segments_at(const struct blob_segments *segments, uint64_t offset);
/* The segment of a part; NULL: there is no such part. */
const struct blob_segment *blob_segments_part(const struct blob_segments *segments,
                                              unsigned number);

/* Takes over the deletion of a dropped blob's file. False: nobody reads it. */
bool blob_segments_defer(struct blobs *blobs, uint64_t blob);

#endif
