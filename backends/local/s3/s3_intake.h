/*
 * Stores a request's body: PutObject, UploadPart, and the file in the form of a PostObject.
 *
 *   RECEIVING ──► SEALING ──► COMMITTING ──► responded
 *       │            │             │
 *       └────────────┴─────────────┴──► DISCARDING (the blob file of a failed upload)
 *
 * The body is collected in `pending`. When a piece is complete, it is swapped with `writing` and a
 * task aside (storage.h) appends it to incoming/<id>; meanwhile the next piece is collected, and
 * when that is full too, the peer is paused. A body of at most OBJECT_INLINE_MAX need not become a
 * file: it is digested here and stored in the database with its row. Sealing writes the rest,
 * compares the digests and syncs the file; uploads do all this in parallel. The commit is one unit:
 * the owner's rows, the blob's row, and the event messages.
 *
 * At most one task runs at a time (`busy`). Callbacks record facts (more bytes, the end, a
 * disconnect, a failure), and one function decides what comes next.
 *
 * While `busy`, fd, writing and digest belong to the task's thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_INTAKE_H
#define THUMBWHEEL_LOCAL_S3_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "blobs.h"
#include "s3_body.h"
#include "s3_request.h"

struct s3_intake;

struct s3_intake_owner {         /* what to do with a valid body; static */
    bool small_in_row;           /* small bodies are not written to a file */
    enum checksum_kind checksum; /* of a body for which the client states none */
    enum s3_error not_found;     /* the S3 error for ERR_NOT_FOUND of commit */
    /* Loop thread: sets what commit stores, and adds messages to the unit. Nonzero: the unit must
     * fail.
     */
    int (*prepare)(struct s3_intake *intake, struct storage_unit *unit);
    /* Storage thread, in the unit: stores the rows, and makes the blob live if there is one. It refuses
     * before it changes anything (storage_task.refuses_first). */
    int (*commit)(struct s3_intake *intake, struct error *error);
    /* Loop thread: sends the response. */
    void (*stored)(struct s3_intake *intake);
};

enum s3_intake_state {
    S3_INTAKE_RECEIVING,
    S3_INTAKE_SEALING,
    S3_INTAKE_COMMITTING,
    S3_INTAKE_DISCARDING,
    S3_INTAKE_ENDED,
};

struct s3_intake { /* the first member of the request's operation */
    struct storage_task task;
    struct s3_request *request;
    const struct s3_intake_owner *owner;

    /* For the owner, once the body is complete. */
    struct s3_claims claims; /* set by s3_intake_prepare; its kind may be set before the start */
    struct blobs *blobs;
    uint64_t size;         /* decoded bytes so far */
    uint64_t blob;         /* incoming/<blob>, once is_file */
    bool is_file;          /* incoming/<blob> may exist */
    struct buffer pending; /* the body, unless is_file */
    struct s3_digest digest;

    /* private */
    enum s3_intake_state state;
    bool busy;   /* the task is running */
    bool ended;  /* the body is complete */
    bool failed; /* an error was sent, or the client has disconnected */
    uint64_t size_max;
    bool must_fail; /* the unit must fail: some messages could not be created */
    struct s3_unframer unframer;
    int fd;
    struct buffer writing;
    enum s3_error verdict; /* of the digests */
};

/* Call it first; the operation must be zeroed. False: an error was sent. */
bool s3_intake_prepare(struct s3_intake *intake, struct s3_request *request,
                       const struct s3_intake_owner *owner);
/* Takes the body; at once or later. */
void s3_intake_start(struct s3_intake *intake);

/* For a body that is only a part of the request's body: the owner reads that and feeds the part. */
void s3_intake_prepare_part(struct s3_intake *intake, struct s3_request *request,
                            const struct s3_intake_owner *owner);
/* Call it at the beginning; size_max in bytes. False: an error was sent. */
bool s3_intake_begin_part(struct s3_intake *intake, uint64_t size_max);
bool s3_intake_feed(struct s3_intake *intake, struct slice data); /* false: it has failed */
void s3_intake_finish(struct s3_intake *intake);
void s3_intake_fail(struct s3_intake *intake, enum s3_error error); /* responds */
void s3_intake_lose(struct s3_intake *intake); /* the rest will not arrive; the caller responds */

/* Call it when freeing the operation, even if it was never prepared. */
void s3_intake_end(struct s3_intake *intake);

#endif
