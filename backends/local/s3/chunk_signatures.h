/*
 * The chain of signatures through an aws-chunked body ("Signature Calculations for the
 * Authorization Header: Transferring Payload in Multiple Chunks", S3 API Reference): each chunk's
 * signature covers the previous one, the first covers that of the request. Any thread, but only one
 * at a time.
 */
#ifndef THUMBWHEEL_LOCAL_CHUNK_SIGNATURES_H
#define THUMBWHEEL_LOCAL_CHUNK_SIGNATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "hash.h"
#include "sigv4.h"

struct chunk_signatures {
    uint8_t key[SIGV4_KEY_SIZE];
    struct sigv4_scope scope; /* strings are borrowed */
    char previous[SIGV4_HEX_SIZE];
    char stated[SIGV4_HEX_SIZE]; /* of the current chunk */
    struct hash hash;
    bool trailer; /* the trailers are signed too */
};

/* seed: the signature of the request. End it with chunk_signatures_end. */
void chunk_signatures_start(struct chunk_signatures *chain, const char *secret,
                            const struct sigv4_scope *scope, const char *seed, bool trailer);
void chunk_signatures_end(struct chunk_signatures *chain);

/* Call them in order for each chunk: its signature, its data, then the check: 0 or ERR_DENIED. */
int chunk_signatures_begin(struct chunk_signatures *chain, struct slice stated);
void chunk_signatures_update(struct chunk_signatures *chain, const void *data, size_t size);
int chunk_signatures_check(struct chunk_signatures *chain);
/* trailers: "name:value\n" each, without the signature's trailer. */
int chunk_signatures_check_trailer(struct chunk_signatures *chain, struct slice trailers,
                                   struct slice stated);

#endif
