/*
 * Evaluates a CompleteMultipartUpload: finds and compares the listed parts, and computes the
 * object's size, ETag and checksum.
 */
#ifndef THUMBWHEEL_LOCAL_S3_COMPLETION_H
#define THUMBWHEEL_LOCAL_S3_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "s3_created.h"
#include "s3_errors.h"
#include "upload_parts.h"
#include "uploads.h"

struct s3_completion_part {
    unsigned number;
    char etag[33];
    enum checksum_kind kind;
    char checksum[CHECKSUM_TEXT_SIZE];
};

struct s3_completion { /* zero it before use; free with completion_clear */
    /* requested */
    struct s3_completion_part *parts;
    size_t count;
    enum checksum_kind kind; /* stated type of the object's checksum; none: not stated */
    char checksum[64];
    enum checksum_type type; /* stated */
    int64_t stated_size;     /* -1: not stated */
    /* found */
    uint64_t size;
    char etag[48];
    char checksum_line[S3_CHECKSUM_LINE_SIZE];
    char message[192];                      /* error message; empty: the default */
    const struct s3_completion_part *wrong; /* the part of the error; NULL: none */
    uint64_t wrong_size;                    /* its size in bytes */
};

/* The minimum size of each part except the last, in bytes ("Amazon S3 multipart upload limits"). */
enum { S3_PART_MIN = 5 * 1024 * 1024 };

void s3_completion_clear(struct s3_completion *completion);

/* Parses the document. S3_OK or the error. Any thread. */
enum s3_error s3_completion_read(struct s3_completion *completion, struct slice document);

/* Checks the upload's parts and sets the results. *verdict is S3_OK if they are valid. Storage
 * thread, in run(). */
int s3_completion_examine(struct s3_completion *completion, struct storage *storage,
                          const struct multipart_upload *upload, enum s3_error *verdict,
                          struct error *error);

/* Drops the upload's parts that are not listed. In a unit. */
int s3_completion_drop_others(const struct s3_completion *completion, struct blobs *blobs,
                              uint64_t upload, struct error *error);

#endif
