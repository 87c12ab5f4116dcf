/*
 * Signature Version 2 of S3 in presigned URLs and in the forms of POST requests ("Signing and
 * authenticating REST requests" and "Browser-based uploads using HTTP POST (AWS signature version
 * 2)", S3 API Reference): an HMAC-SHA1 of a text. boto3 and the AWS CLI still presign with it unless
 * they are told otherwise. Pure functions, any thread.
 */
#ifndef THUMBWHEEL_LOCAL_SIGNATURE_V2_H
#define THUMBWHEEL_LOCAL_SIGNATURE_V2_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "signature_check.h"

enum { SIGNATURE_V2_SIZE = 29 }; /* base64 of the HMAC, with the NUL */

/* Whether a query has such a signature. */
bool signature_v2_in(struct slice query);

/* Reads the access key, the expiry and the signature into *claim. SIGNATURE_MALFORMED: with a
 * detail. */
enum signature_code signature_v2_read(const struct signed_request *request, int64_t now,
                                      struct signature_claim *claim);

/* Whether the signature is that of the request. A bucket in the host name is part of what is
 * signed. */
bool signature_v2_matches(const struct signed_request *request, const struct signature_claim *claim,
                          const char *secret_key);
/* Appends the text that must be signed. False: it cannot be made. */
bool signature_v2_text(const struct signed_request *request, struct buffer *out);
/* The same for the policy of a form. */
bool signature_v2_text_matches(const char *text, const char *signature, const char *secret_key);

#endif
