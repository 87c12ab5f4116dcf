/*
 * Copies the body of an object, or a range of it, within the store: CopyObject and UploadPartCopy.
 *
 *   FINDING ──► COPYING … ──► COMMITTING ──► responded
 *      │           │              │
 *      └───────────┴──────────────┴──► DISCARDING
 *
 * A whole blob is linked, whatever its size (blobs.h). What cannot be, since it is a range, in
 * parts, or needs another checksum, is read and written in pieces, each a task aside (storage.h);
 * and what is small stays in memory. Nothing of it is in a transaction but the commit: the owner's
 * rows, the blob's row, and the messages.
 *
 * Everything but `request`, `owner` and `must_fail` belongs to the thread of the task that is under
 * way, and one always is until the response.
 */
#ifndef THUMBWHEEL_LOCAL_S3_COPY_H
#define THUMBWHEEL_LOCAL_S3_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "object_reader.h"
#include "s3_body.h"
#include "s3_copy_source.h"
#include "s3_created.h"
#include "s3_request.h"

struct s3_copy;

struct s3_copy_owner {       /* what becomes of the copy; static */
    bool small_in_row;       /* small ones don't become a file */
    enum s3_error not_found; /* what ERR_NOT_FOUND of commit is to the client */
    /* Storage thread, once the source is found: sets `kind`, or `verdict`. */
    int (*found)(struct s3_copy *copy, struct storage *storage, struct error *error);
    /* Loop thread: fills what commit stores, and adds messages to the unit. Nonzero: it must fail.
     */
    int (*prepare)(struct s3_copy *copy, struct storage_unit *unit);
    /* Storage thread, in the unit. */
    int (*commit)(struct s3_copy *copy, struct error *error);
    /* Loop thread: respond. */
    void (*stored)(struct s3_copy *copy);
};

struct s3_copy { /* the first member of the request's operation */
    struct storage_task task;
    struct s3_request *request;
    const struct s3_copy_owner *owner;
    struct blobs *blobs;
    struct s3_copy_source source;

    struct object found;     /* the source */
    enum checksum_kind kind; /* that the copy shall have */
    enum s3_error verdict;
    char message[160]; /* of the verdict; empty: the usual one */

    /* The copy, once it is whole. */
    uint64_t first, size; /* of the source */
    uint64_t blob;        /* incoming/<blob>, once is_file */
    bool is_file;
    struct buffer small; /* the body, where it is no file */
    char etag[33];
    char checksum[S3_CHECKSUM_LINE_SIZE];

    /* private */
    bool whole;
    bool must_fail;
    struct object_reader reader;
    struct s3_digest digest;
    struct s3_claims claims;
    char *piece;
    int fd;
};

/* At once, on a zeroed operation. False: an error was sent. */
bool s3_copy_prepare(struct s3_copy *copy, struct s3_request *request,
                     const struct s3_copy_owner *owner);
void s3_copy_start(struct s3_copy *copy);
/* With the operation. Safe on one that was never prepared. */
void s3_copy_end(struct s3_copy *copy);

/* The response: <CopyObjectResult> or <CopyPartResult>, the versions ("": the copy has none), and
 * when the new object expires (NULL: it is a part). */
void s3_copy_respond(struct s3_copy *copy, const char *root, int64_t modified_ms,
                     const char *version, const struct object *object);

#endif
