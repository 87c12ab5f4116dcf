/* Conditional writes: If-Match and If-None-Match of requests that store an object. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_WRITE_CONDITION_H
#define THUMBWHEEL_LOCAL_S3_WRITE_CONDITION_H

#include "objects.h"
#include "s3_request.h"

struct s3_write_condition { /* zeroed: none */
    struct object_condition condition;
    char *etag; /* what the condition refers to */
};

/* S3_OK, or an error with a message for the response (static; NULL: the default). */
enum s3_error s3_write_condition_read(struct s3_request *request, struct s3_write_condition *out,
                                      const char **message);
void s3_write_condition_clear(struct s3_write_condition *condition);

/* Compares an ETag that a client sent, with or without quotes. */
struct slice s3_etag_unquote(struct slice etag);

#endif
