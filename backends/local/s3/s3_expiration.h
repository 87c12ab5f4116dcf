/* x-amz-expiration: when the lifecycle rules of the request's bucket expire an object. Loop
 * thread. */
#ifndef THUMBWHEEL_LOCAL_S3_EXPIRATION_H
#define THUMBWHEEL_LOCAL_S3_EXPIRATION_H

#include "objects.h"
#include "s3_request.h"

enum { S3_EXPIRATION_SIZE = 1024 };

/* The header for the key's current version, with its text in out. Returns the number of headers, 0
 * or 1. */
size_t s3_expiration_header(const struct s3_request *request, const struct object *object,
                            char out[S3_EXPIRATION_SIZE], struct http_header *header);

#endif
