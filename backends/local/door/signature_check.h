/*
 * Identifies the signer of a request and verifies the signature: SigV4 in the Authorization header
 * or in the query.
 *
 * Verification has two parts, because the hash of a body that is not announced in a header is known
 * only later: signature_claim parses the request and checks what is known early (format, access
 * key, time); signature_verify verifies the signature. Sources: "Signature Version 4 signing
 * process" in the AWS General Reference; "Authenticating Requests" in the S3 API Reference. Any
 * thread, but only one for keys with a cache of signing keys. Does not read the clock.
 */
#ifndef THUMBWHEEL_LOCAL_SIGNATURE_CHECK_H
#define THUMBWHEEL_LOCAL_SIGNATURE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "access_key.h"
#include "bytes.h"
#include "session_tokens.h"
#include "signing_keys.h"
#include "sigv4.h"

enum {
    SIGNATURE_SKEW_S = 15 * 60,
    SIGNATURE_EXPIRES_MAX_S = 7 * 24 * 3600,
    SIGNED_REQUEST_HEADERS_MAX = 100,
    SIGNED_HEADERS_MAX = 64,    /* maximum number of signed headers */
    SIGNED_HEADERS_SIZE = 2048, /* total size of their names, with separators */
};

struct signed_request { /* borrowed */
    struct slice method, path, query;
    const struct sigv4_header *headers;
    size_t header_count;
};

enum signature_code {
    SIGNATURE_OK,
    SIGNATURE_MISSING,   /* no signature */
    SIGNATURE_MALFORMED, /* an Authorization header or X-Amz- parameters that cannot be read */
    SIGNATURE_UNKNOWN_KEY,
    SIGNATURE_BAD_TOKEN,       /* a session token that is not the access key's */
    SIGNATURE_TOKEN_EXPIRED,   /* the session's credentials */
    SIGNATURE_SKEWED,          /* the signing time differs too much from now */
    SIGNATURE_EARLY,           /* a presigned URL that is not valid yet */
    SIGNATURE_EXPIRED,         /* an expired presigned URL */
    SIGNATURE_UNSIGNED_HEADER, /* an x-amz- header, or Host, is not signed */
    SIGNATURE_MISMATCH,
    SIGNATURE_CODE_COUNT
};

struct signature_claim {
    bool presigned;
    bool version2; /* signature_v2.h: without date, region and signed headers */
    char access_key[129];
    char date[SIGV4_DATE_SIZE];
    char day[9];
    /* of the credential scope; service is set even if another part is wrong */
    char region[65], service[33];
    struct slice
        signed_headers; /* as sent: percent-encoded in a query; borrowed from the request */
    char signature[SIGV4_HEX_SIZE];
    const struct access_key *key; /* the owner of the access key; NULL: none */
    /* SIGNATURE_MALFORMED: the message, and code and message of S3; static */
    const char *detail, *s3_code, *s3_text;
    /* where key is, if its credentials are temporary; else undefined. The last member. */
    struct sts_session session;
};

/* Wipes the secret of a session. */
void signature_claim_end(struct signature_claim *claim);

/* now: Unix seconds. */
enum signature_code signature_claim(const struct access_key_list *keys,
                                    const struct signed_request *request, int64_t now,
                                    struct signature_claim *out);
enum signature_code signature_verify(const struct signed_request *request,
                                     const struct signature_claim *claim, const char *payload_hash);

/* What is signed, as SigV4 has it; *out borrows from all arguments. */
enum signature_code signature_canonical(const struct signed_request *request,
                                        const struct signature_claim *claim,
                                        const char *payload_hash,
                                        struct sigv4_header headers[SIGNED_HEADERS_MAX],
                                        struct sigv4_request *out);

/* Whether the signature must cover a header of that name. */
bool signature_must_cover(struct slice name, bool presigned);
/* Whether SignedHeaders contains the name. */
bool signature_covers(const struct signature_claim *claim, struct slice name);

/* Verifies a signed text, the policy of a POST form. out->key is the signer's. Of the times, only
 * the session's is checked, because the policy contains its own expiration. */
struct signed_text { /* borrowed */
    const char *credential, *date, *text, *signature;
    const char *token; /* of a session; NULL: none */
};
enum signature_code signature_verify_text(const struct access_key_list *keys,
                                          const struct signed_text *text, int64_t now,
                                          struct signature_claim *out);

/* The same for Signature Version 2: text->credential is the access key, and there is no date. */
enum signature_code signature_verify_v2_text(const struct access_key_list *keys,
                                             const struct signed_text *text, int64_t now,
                                             struct signature_claim *out);

#endif
