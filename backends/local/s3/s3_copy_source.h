/* The source of a copy and its conditions: x-amz-copy-source and related headers. */
#ifndef THUMBWHEEL_LOCAL_S3_COPY_SOURCE_H
#define THUMBWHEEL_LOCAL_S3_COPY_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "s3_range.h"
#include "s3_request.h"

enum { S3_CONDITION_NAME_SIZE = 48 };

struct s3_copy_source { /* zero it before use; free with copy_source_clear */
    int64_t bucket;
    char *bucket_name;
    char *key;
    enum versioning versioning; /* of the bucket */
    struct object_version version;
    char *texts[4]; /* of the conditions */
    struct s3_preconditions conditions;
    bool ranged; /* x-amz-copy-source-range: first to last, inclusive */
    uint64_t first, last;
};

/* False: an error was sent. Loop thread. */
bool s3_copy_source_read(struct s3_request *request, struct s3_copy_source *source);
void s3_copy_source_clear(struct s3_copy_source *source);

/* Checks the conditions: S3_OK, or S3_PRECONDITION_FAILED with the name of the condition. Any
 * thread. */
enum s3_error s3_copy_source_check(const struct s3_copy_source *source, const char *etag,
                                   int64_t modified_ms, char failed[S3_CONDITION_NAME_SIZE]);

#endif
