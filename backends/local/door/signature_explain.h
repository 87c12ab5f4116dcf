/* The elements that S3 adds to the errors of signatures, so that a user sees what was signed. They
 * contain no secret: a signature cannot be made of them without the key. Any thread. */
#ifndef THUMBWHEEL_LOCAL_SIGNATURE_EXPLAIN_H
#define THUMBWHEEL_LOCAL_SIGNATURE_EXPLAIN_H

#include "bytes.h"
#include "signature_check.h"

/* Appends bytes as S3 shows them: "47 45 54". */
void signature_explain_bytes(struct buffer *out, const char *name, struct slice text);

/* Appends them as XML. payload_hash: NULL if there is none. */
void signature_explain(const struct signed_request *request, const struct signature_claim *claim,
                       const char *payload_hash, enum signature_code code, struct buffer *out);

#endif
