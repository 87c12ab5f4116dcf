/*
 * The parts of multipart uploads, and of the objects that came of them: each a blob and a row.
 *
 * A part belongs to a number, its owner: the upload's id. Completing an upload moves no bytes and
 * no rows: the object is made to name the owner (objects.h), and the upload's row ends. So an
 * object of a thousand parts costs what its row costs.
 *
 * All functions: storage thread, in run(). They change only within the caller's unit.
 */
#ifndef THUMBWHEEL_LOCAL_UPLOAD_PARTS_H
#define THUMBWHEEL_LOCAL_UPLOAD_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "blob_segments.h"
#include "blobs.h"

#define UPLOAD_PARTS_SCHEMA                                                                        \
    "CREATE TABLE IF NOT EXISTS parts (owner INTEGER NOT NULL, number INTEGER NOT NULL, "          \
    "blob INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, etag TEXT NOT "      \
    "NULL, "                                                                                       \
    "checksum TEXT NOT NULL, PRIMARY KEY (owner, number)) WITHOUT ROWID;"

enum { PART_NUMBER_MAX = 10000 };

struct part {
    unsigned number; /* 1 to PART_NUMBER_MAX */
    uint64_t blob;
    uint64_t size;
    int64_t modified_ms;
    char etag[33];     /* hex MD5 */
    char checksum[96]; /* "name: value" as a header, or empty */
};

/* Keeps the part's blob, and drops that of a part of the same number. */
int upload_parts_put(struct blobs *blobs, uint64_t owner, const struct part *part,
                     struct error *error);

/* The first part beyond a number. 1, 0 at the end, or an error. */
int upload_parts_next(struct storage *storage, uint64_t owner, unsigned after, struct part *part,
                      struct error *error);

/* One part and its blob; all of them. */
int upload_parts_drop(struct blobs *blobs, uint64_t owner, const struct part *part,
                      struct error *error);
int upload_parts_drop_all(struct blobs *blobs, uint64_t owner, struct error *error);

/* All of them as the segments of an object that is read; blob_segments_release ends it.
 * ERR_NOT_FOUND: the owner has none. */
int upload_parts_acquire(struct blobs *blobs, uint64_t owner, struct blob_segments **out,
                         struct error *error);

#endif
