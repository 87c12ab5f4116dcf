/* Conditions and ranges of a read (RFC 9110, 13 and 14), without I/O. Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_RANGE_H
#define THUMBWHEEL_LOCAL_S3_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "s3_errors.h"

struct s3_range {
    bool partial; /* respond with 206 */
    uint64_t first;
    uint64_t size; /* bytes to send */
};

/* One range of `bytes`; several, or another unit, are ignored as the RFC allows. An empty header
 * means no range. S3_INVALID_RANGE. */
enum s3_error s3_range_parse(struct slice header, uint64_t size, struct s3_range *range);

struct s3_preconditions { /* headers as sent; data NULL if absent */
    struct slice match, none_match, modified_since, unmodified_since;
};

/* S3_OK, or S3_PRECONDITION_FAILED or S3_NOT_MODIFIED with the name of the header that does not
 * hold. The ETag is without quotes. */
enum s3_error s3_preconditions_check(const struct s3_preconditions *conditions, const char *etag,
                                     int64_t modified_ms, const char **failed);

#endif
