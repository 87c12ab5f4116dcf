/*
 * AWS Signature Version 4: pure computation, without I/O and without a clock.
 *
 * Shared by the client, which signs, and by the embedded cloud, which verifies. Sources: "Signature
 * Version 4 signing process" in the AWS General Reference; "Authenticating Requests (AWS Signature
 * Version 4)" in the S3 API Reference. Any thread.
 */
#ifndef THUMBWHEEL_SIGV4_H
#define THUMBWHEEL_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "secret.h"

enum { SIGV4_HEX_SIZE = SHA256_HEX_SIZE, SIGV4_DATE_SIZE = 17, SIGV4_KEY_SIZE = SHA256_SIZE };

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_SHA256     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_header {
    struct slice name; /* any case */
    struct slice value;
};

struct sigv4_request {
    struct slice method;
    struct slice path;  /* as sent, without the query */
    struct slice query; /* as sent, without '?'; X-Amz-Signature is ignored */
    const struct sigv4_header
        *headers; /* headers to sign, in any order; to verify: those in SignedHeaders */
    size_t header_count;
    const char *payload_hash; /* hex SHA-256, UNSIGNED-PAYLOAD, STREAMING-… */
    bool normalise_path;      /* RFC 3986 dot segments and double encoding; every service but S3 */
};

struct sigv4_scope {
    char date[SIGV4_DATE_SIZE]; /* 20150830T123600Z */
    const char *region;
    const char *service;
};

/* The signing key for a secret, day, region and service. Wipe it with secret_wipe after use. */
void sigv4_signing_key(const char *secret, const struct sigv4_scope *scope,
                       uint8_t out[SIGV4_KEY_SIZE]);
void sigv4_date(int64_t unix_seconds, char out[SIGV4_DATE_SIZE]);
int sigv4_parse_date(struct slice text, int64_t *unix_seconds); /* ERR_INVALID */

/* The intermediate results, each appended to *out; for tests and for the embedded cloud's error
 * responses. */
int sigv4_canonical_request(const struct sigv4_request *request, struct buffer *out);
int sigv4_signed_headers(const struct sigv4_request *request, struct buffer *out);
int sigv4_string_to_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
                         struct buffer *out);
/* The signature, in hex. */
int sigv4_signature(const struct sigv4_request *request, const struct sigv4_scope *scope,
                    const uint8_t key[SIGV4_KEY_SIZE], char out[SIGV4_HEX_SIZE]);

#endif
