/*
 * Stores a request's body: PutObject, UploadPart, and the file in the form of a PostObject.
 *
 *   RECEIVING ──► SEALING ──► COMMITTING ──► responded
 *       │            │             │
 *       └────────────┴─────────────┴──► DISCARDING (the blob file of a failed upload)
 *
 * Pieces of the body gather in `pending`. Once it holds a piece it changes places with `writing`
 * and a task aside (storage.h) appends it to incoming/<id>; while that runs the next piece gathers,
 * and when that is full too the peer is paused. A body that ends within OBJECT_INLINE_MAX need not
 * become a file: then it is digested here and goes into the database with its row. Sealing writes
 * the rest, compares the digests and syncs the file; uploads do all this beside each other. The
 * commit is one unit: the owner's rows, the blob's row, and the messages that announce it; so they
 * become true together.
 *
 * One task is under way at a time; `busy` says so. Callbacks record facts (more bytes, the end, the
 * peer gone, a failure) and one function decides what is next.
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

struct s3_intake_owner {     /* what becomes of a body that holds; static */
    bool small_in_row;       /* small ones don't become a file */
    enum s3_error not_found; /* what ERR_NOT_FOUND of commit is to the client */
    /* Loop thread: fills what commit stores, and adds messages to the unit. Nonzero: it must fail.
     */
    int (*prepare)(struct s3_intake *intake, struct storage_unit *unit);
    /* Storage thread, in the unit: stores the rows, and keeps the blob if there is one. */
    int (*commit)(struct s3_intake *intake, struct error *error);
    /* Loop thread: respond. */
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

    /* For the owner, once the body is here. */
    struct s3_claims claims; /* read by s3_intake_prepare; its kind may be set before the start */
    struct blobs *blobs;
    uint64_t size;         /* decoded bytes so far */
    uint64_t blob;         /* incoming/<blob>, once is_file */
    bool is_file;          /* incoming/<blob> may exist */
    struct buffer pending; /* the body, where it is no file */
    struct s3_digest digest;

    /* private */
    enum s3_intake_state state;
    bool busy;   /* the task is under way */
    bool ended;  /* the whole body is here */
    bool failed; /* answered with an error, or the client is gone */
    uint64_t size_max;
    bool must_fail; /* the unit must fail: its messages could not all be made */
    struct s3_unframer unframer;
    int fd;
    struct buffer writing;
    enum s3_error verdict; /* of the digests */
};

/* At once, on a zeroed operation. False: an error was sent. */
bool s3_intake_prepare(struct s3_intake *intake, struct s3_request *request,
                       const struct s3_intake_owner *owner);
/* At once or later: takes the body. */
void s3_intake_start(struct s3_intake *intake);

/* For a body that is a part of the request's: the owner reads that and feeds. */
void s3_intake_prepare_part(struct s3_intake *intake, struct s3_request *request,
                            const struct s3_intake_owner *owner);
/* When it begins; size_max in bytes. False: an error was sent. */
bool s3_intake_begin_part(struct s3_intake *intake, uint64_t size_max);
bool s3_intake_feed(struct s3_intake *intake, struct slice data); /* false: it has failed */
void s3_intake_finish(struct s3_intake *intake);
void s3_intake_fail(struct s3_intake *intake, enum s3_error error); /* responds */
void s3_intake_lose(struct s3_intake *intake); /* it will not come whole; somebody else responds */

/* With the operation. Safe on one that was never prepared. */
void s3_intake_end(struct s3_intake *intake);

#endif
