/*
 * Copies the body of an object, or a range of it, within the store: CopyObject and UploadPartCopy.
 *
 *   FINDING ──► CHECKING … ──► COPYING … ──► COMMITTING ──► responded
 *      │            │             │              │
 *      └────────────┴─────────────┴──────────────┴──► DISCARDING
 *
 * A whole blob is linked, whatever its size (blobs.h). If that is not possible (a range, an object
 * in parts, or another checksum), the data is read and written in pieces, each a task aside
 * (storage.h); small data stays in memory. Only the commit is a transaction: the owner's rows, the
 * blob's row, and the messages.
 *
 * All members except `request`, `owner` and `must_fail` belong to the thread of the running task;
 * until the response, there always is one.
 */
#ifndef THUMBWHEEL_LOCAL_S3_COPY_H
#define THUMBWHEEL_LOCAL_S3_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "object_reader.h"
#include "s3_body.h"
#include "s3_copy_check.h"
#include "s3_copy_source.h"
#include "s3_created.h"
#include "s3_request.h"

struct s3_copy;

struct s3_copy_owner {       /* what to do with the copy; static */
    bool small_in_row;       /* small copies are not written to a file */
    enum s3_error not_found; /* the S3 error for ERR_NOT_FOUND of commit */
    /* Storage thread, after the source is found: sets `kind` or `verdict`. */
    int (*found)(struct s3_copy *copy, struct storage *storage, struct error *error);
    /* Loop thread: sets what commit stores, and adds messages to the unit. Nonzero: the unit must
     * fail.
     */
    int (*prepare)(struct s3_copy *copy, struct storage_unit *unit);
    /* Storage thread, in the unit. */
    int (*commit)(struct s3_copy *copy, struct error *error);
    /* Loop thread: sends the response. */
    void (*stored)(struct s3_copy *copy);
};

struct s3_copy { /* the first member of the request's operation */
    struct storage_task task;
    struct s3_request *request;
    const struct s3_copy_owner *owner;
    struct blobs *blobs;
    struct s3_copy_source source;

    struct object found;     /* the source */
    enum checksum_kind kind; /* checksum type of the copy */
    bool hides_checksum;     /* it is not in the response */
    enum s3_error verdict;
    char message[256];                   /* error message; empty: the default */
    char failed[S3_CONDITION_NAME_SIZE]; /* the condition that does not hold */

    /* The complete copy. */
    uint64_t first, size; /* of the source */
    uint64_t blob;        /* incoming/<blob>, once is_file */
    bool is_file;
    struct buffer small; /* the body, unless is_file */
    char etag[33];
    char checksum[S3_CHECKSUM_LINE_SIZE];
    const char *placement; /* headers with how it is stored, for the response; borrowed */

    /* private */
    bool whole;
    struct s3_copy_check check;
    bool is_checked; /* the source's bytes are as they were stored */
    bool damaged;    /* they are not */
    bool must_fail;
    struct object_reader reader;
    struct s3_digest digest;
    struct s3_claims claims;
    char *piece;
    int fd;
};

/* Starts at once; the operation must be zeroed. False: an error was sent. */
bool s3_copy_prepare(struct s3_copy *copy, struct s3_request *request,
                     const struct s3_copy_owner *owner);
void s3_copy_start(struct s3_copy *copy);
/* Call it when freeing the operation, even if it was never prepared. */
void s3_copy_end(struct s3_copy *copy);

/* Sends the response: <CopyObjectResult> or <CopyPartResult>, the versions ("": the copy has none),
 * and the expiration of the new object (NULL: it is a part). */
void s3_copy_respond(struct s3_copy *copy, const char *root, int64_t modified_ms,
                     const char *version, const struct object *object);

#endif
