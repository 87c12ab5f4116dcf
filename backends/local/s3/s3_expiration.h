/* x-amz-expiration: when the lifecycle of the request's bucket ends an object. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_EXPIRATION_H
#define THUMBWHEEL_LOCAL_S3_EXPIRATION_H

#include "objects.h"
#include "s3_request.h"

enum { S3_EXPIRATION_SIZE = 1024 };

/* The header, whose text is in out, for the key's current version; 0 or 1 of it. */
size_t s3_expiration_header(const struct s3_request *request, const struct object *object,
                            char out[S3_EXPIRATION_SIZE], struct http_header *header);

#endif
