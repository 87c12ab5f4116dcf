/* Finds the blobs one after the other, with the objects that they belong to: of objects, of noncurrent
 * versions, and of the parts of objects and of pending uploads. Small bodies, which are in the database,
 * are compared on the way. Storage thread, in run(). */
#ifndef THUMBWHEEL_LOCAL_SCRUB_SCAN_H
#define THUMBWHEEL_LOCAL_SCRUB_SCAN_H

#include "blob_check.h"
#include "objects.h"

enum scrub_stage { SCRUB_OBJECTS, SCRUB_HISTORY, SCRUB_PARTS, SCRUB_UPLOADS, SCRUB_END };

struct scrub_cursor { /* zeroed: the beginning */
    enum scrub_stage stage;
    uint64_t id;     /* of the last row */
    uint64_t owner;  /* of its parts */
    unsigned number; /* of the last part; 0: the next row */
};

struct scrub_blob {
    uint64_t blob;       /* 0: none among the rows that were looked at */
    uint64_t read;       /* bytes of the bodies in the database that were compared */
    struct error damage; /* of such a body, which is the object below; code 0: none */
    bool is_known;       /* its digest is */
    struct blob_check check;
    /* the object */
    char *bucket, *key; /* owned */
    uint64_t version;   /* the id of its row */
    bool versioned;
    unsigned part; /* 0: none */
};

/* 1: go on; 0: the end. It looks at a bounded number of rows. Clears nothing in *out beforehand. */
int scrub_next(struct storage *storage, struct scrub_cursor *cursor, struct scrub_blob *out,
               struct error *error);
void scrub_blob_clear(struct scrub_blob *blob);

#endif
