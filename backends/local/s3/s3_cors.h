/*
 * Cross-origin requests (Fetch standard; "Using cross-origin resource sharing (CORS)", S3 User
 * Guide): the preflight, and the headers that a bucket's rules add to a response. They depend on
 * the request's Origin, so every response of a bucket with rules has a Vary header: a cache must
 * not serve one origin the response for another. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_CORS_H
#define THUMBWHEEL_LOCAL_S3_CORS_H

#include "bucket_cors.h"
#include "cors_headers.h"
#include "s3_request.h"

/* Adds the headers for a call on this bucket (nothing for "" or a bucket that does not exist). */
void s3_cors_fill(struct cors_headers *response, const struct cloud *cloud,
                  const struct http_call *call, const char *bucket);
/* The same, but reads the bucket from the call. */
void s3_cors_fill_refusal(struct cors_headers *response, const struct cloud *cloud,
                          const struct http_call *call);

/* Whether a web page of another origin may make this call: the bucket's rules allow it, or it is a
 * link or an image, whose content the page cannot read; that needs no rules in S3 either. */
bool s3_cors_allows_page(const struct cloud *cloud, const struct http_call *call);

#endif
