/*
 * Cross-origin requests (Fetch standard; "Using cross-origin resource sharing (CORS)", S3 User
 * Guide): the preflight, and the headers that a bucket's rules add to a response. They depend on
 * the request's Origin, so every response of a bucket with rules has a Vary header: no cache may
 * serve one origin the response to another. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_CORS_H
#define THUMBWHEEL_LOCAL_S3_CORS_H

#include "bucket_cors.h"
#include "cors_headers.h"
#include "s3_request.h"

/* For a response to a call that is about this bucket ("" or one that is not there: nothing). */
void s3_cors_fill(struct cors_headers *response, const struct cloud *cloud,
                  const struct http_call *call, const char *bucket);
/* The same where the bucket is yet to be read from the call. */
void s3_cors_fill_refusal(struct cors_headers *response, const struct cloud *cloud,
                          const struct http_call *call);

#endif
