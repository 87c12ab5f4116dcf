/*
 * What a request says about its signature: the Authorization header, the query of a presigned URL, the
 * date and the session token. Sources: as in signature_check.h. Pure functions, any thread.
 */
#ifndef THUMBWHEEL_LOCAL_SIGNATURE_FIELDS_H
#define THUMBWHEEL_LOCAL_SIGNATURE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "session_tokens.h"
#include "signature_check.h"

/* By case-insensitive name; data NULL: absent. */
struct slice signed_request_header(const struct signed_request *request, const char *name);

/* Empties a claim before it is read into. */
void signature_claim_reset(struct signature_claim *claim);
/* A credential with its scope, of SigV4. False: it does not have that form. */
bool signature_read_credential(struct signature_claim *claim, struct slice text);

/* These return SIGNATURE_OK, or SIGNATURE_MALFORMED with the messages in the claim. */
enum signature_code signature_read_header(struct signature_claim *claim,
                                          struct slice authorization);
enum signature_code signature_read_presigned(struct signature_claim *claim,
                                             const struct signed_request *request);
enum signature_code signature_read_date(struct signature_claim *claim,
                                        const struct signed_request *request);

/* Whether the time of a claim that was read is near now, Unix seconds, or, of a presigned URL, in its
 * lifetime. */
enum signature_code signature_check_time(struct signature_claim *claim,
                                         const struct signed_request *request, int64_t now);

/* Of a session, from a header or a query; it borrows from the request or from room. Empty: none. */
struct slice signature_read_token(const struct signed_request *request,
                                  char room[SESSION_TOKEN_SIZE]);

#endif
