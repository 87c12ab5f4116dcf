/*
 * Cross-origin requests, as the Fetch standard has a browser judge them and "Using cross-origin
 * resource sharing (CORS)" (S3 User Guide) configures them: what a bucket's rules add to an answer,
 * and the preflight. Since whether an answer has them depends on the request's Origin, a bucket
 * with rules says Vary in every answer, so that no cache gives one origin what was another's. Loop
 * thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_CORS_H
#define THUMBWHEEL_LOCAL_S3_CORS_H

#include "bucket_cors.h"
#include "cors_headers.h"
#include "s3_request.h"

/* For an answer to a call that is about this bucket ("" or one that is not there: nothing). */
void s3_cors_fill(struct cors_headers *answer, const struct cloud *cloud,
                  const struct http_call *call, const char *bucket);
/* The same where the bucket is yet to be read from the call. */
void s3_cors_fill_refusal(struct cors_headers *answer, const struct cloud *cloud,
                          const struct http_call *call);

#endif
