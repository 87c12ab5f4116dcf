/*
 * The chain of signatures through an aws-chunked body ("Signature Calculations for the
 * Authorization Header: Transferring Payload in Multiple Chunks", S3 API Reference): each chunk's
 * signature covers the one before, the first covers the request's own. Any thread, one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_CHUNK_SIGNATURES_H
#define THUMBWHEEL_LOCAL_CHUNK_SIGNATURES_H

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "sigv4.h"

struct chunk_signatures {
    uint8_t key[SIGV4_KEY_SIZE];
    struct sigv4_scope scope; /* strings are borrowed */
    char previous[SIGV4_HEX_SIZE];
    char stated[SIGV4_HEX_SIZE]; /* of the chunk under way */
    SHA256_CTX hash;
    bool trailer; /* the trailers are signed too */
};

/* seed: the request's own signature. End it with chunk_signatures_end. */
void chunk_signatures_start(struct chunk_signatures *chain, const char *secret,
                            const struct sigv4_scope *scope, const char *seed, bool trailer);
void chunk_signatures_end(struct chunk_signatures *chain);

/* A chunk begins, with this signature; then its data; then whether it holds: 0, or ERR_DENIED. */
int chunk_signatures_begin(struct chunk_signatures *chain, struct slice stated);
void chunk_signatures_update(struct chunk_signatures *chain, const void *data, size_t size);
int chunk_signatures_check(struct chunk_signatures *chain);
/* trailers: "name:value\n" each, without the signature's own. */
int chunk_signatures_check_trailer(struct chunk_signatures *chain, struct slice trailers,
                                   struct slice stated);

#endif
