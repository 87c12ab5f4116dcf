/*
 * The parts of multipart uploads and of the resulting objects: each a blob and a row.
 *
 * A part belongs to an owner, the upload's id. Completing an upload moves neither data nor rows:
 * the object refers to the owner (objects.h), and the upload's row is deleted. So an object of a
 * thousand parts costs no more than its row.
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
    "checksum TEXT NOT NULL, crc64 TEXT NOT NULL DEFAULT '', PRIMARY KEY (owner, number)) "        \
    "WITHOUT ROWID;"

enum { PART_NUMBER_MAX = 10000 };

struct part {
    unsigned number; /* 1 to PART_NUMBER_MAX */
    uint64_t blob;
    uint64_t size;
    int64_t modified_ms;
    char etag[33];     /* hex MD5 */
    char checksum[96]; /* "name: value" as a header, or empty */
    /* CRC64NVME, base64, in an upload without an algorithm of its own; empty: unknown */
    char crc64[16];
};

/* Stores a part, makes its blob live, and drops an earlier part with the same number. */
int upload_parts_put(struct blobs *blobs, uint64_t owner, const struct part *part,
                     struct error *error);

/* The first part after a number. 1, 0 at the end, or an error. */
int upload_parts_next(struct storage *storage, uint64_t owner, unsigned after, struct part *part,
                      struct error *error);

/* Deletes one part with its blob, or all of them. */
int upload_parts_drop(struct blobs *blobs, uint64_t owner, const struct part *part,
                      struct error *error);
int upload_parts_drop_all(struct blobs *blobs, uint64_t owner, struct error *error);

/* All parts as the segments of an object that is read; release with blob_segments_release.
 * ERR_NOT_FOUND: the owner has none. */
int upload_parts_acquire(struct blobs *blobs, uint64_t owner, struct blob_segments **out,
                         struct error *error);

#endif
