/* Conditional writes: If-Match and If-None-Match of a request that stores an object. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_WRITE_CONDITION_H
#define THUMBWHEEL_LOCAL_S3_WRITE_CONDITION_H

#include "objects.h"
#include "s3_request.h"

struct s3_write_condition { /* zeroed: none */
    struct object_condition condition;
    char *etag; /* what the condition refers to */
};

/* S3_OK, or an error with a message for the response (static, or NULL for the usual one). */
enum s3_error s3_write_condition_read(struct s3_request *request, struct s3_write_condition *out,
                                      const char **message);
void s3_write_condition_clear(struct s3_write_condition *condition);

/* An ETag as a client writes it, with or without quotes. */
struct slice s3_etag_unquote(struct slice etag);

#endif
