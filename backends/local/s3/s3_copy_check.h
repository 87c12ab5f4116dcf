/*
 * Compares the blobs that a copy reads with what was stored, so that damaged bytes do not become an
 * object with a right ETag. A whole blob that is read for the copy is compared by the copy itself;
 * here are those that are linked, or of which only a range or a part is read. A blob that was
 * compared a short time ago is not read again, so that copying an object range by range does not
 * read it each time.
 */
#ifndef THUMBWHEEL_LOCAL_S3_COPY_CHECK_H
#define THUMBWHEEL_LOCAL_S3_COPY_CHECK_H

#include "blob_check.h"
#include "object_reader.h"

struct s3_copy_check { /* zeroed: nothing to compare */
    struct blob_check current;
    uint64_t blob;                        /* the one that is compared, or that was found damaged */
    bool linked;                          /* it has a file of its own already */
    const struct blob_segments *segments; /* of the open reader */
    size_t next, end;
    uint64_t done[BLOBS_CHECKED_MAX]; /* to be remembered */
    size_t done_count;
};

/* Storage thread, in run(), after the reader is open or the blob is linked. file: the linked blob; 0:
 * none. The range is what is copied. */
int s3_copy_check_open(struct s3_copy_check *check, const struct object_reader *reader,
                       const struct object *object, uint64_t file, struct error *error);
/* Any thread: reads the next bytes, with a buffer. 1: go on; 0: all are right; ERR_CORRUPT. */
int s3_copy_check_step(struct s3_copy_check *check, struct blobs *blobs, char *room, size_t size,
                       struct error *error);
/* Storage thread: remembers what was compared. */
void s3_copy_check_note(const struct s3_copy_check *check, struct blobs *blobs);
void s3_copy_check_close(struct s3_copy_check *check);

#endif
