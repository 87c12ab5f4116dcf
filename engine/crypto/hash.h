/*
 * MD5, SHA-1, SHA-256, and HMAC (RFC 2104) over the last two.
 *
 * libcrypto's, which uses the processor's instructions for them: seven times as fast as mbedTLS' C.
 * A hash has a fixed size: no call allocates, and none can fail. Any thread, one at a time for each
 * hash.
 */
#ifndef THUMBWHEEL_HASH_H
#define THUMBWHEEL_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256 };

/* Bytes of a digest, and of its hexadecimal form with the NUL. */
enum { MD5_SIZE = 16, SHA1_SIZE = 20, SHA256_SIZE = 32, MD5_HEX_SIZE = 33, SHA256_HEX_SIZE = 65 };

struct hash {
    enum hash_kind kind;
    uint64_t state[14]; /* of libcrypto's context */
};

void hash_start(struct hash *hash, enum hash_kind kind);
void hash_update(struct hash *hash, const void *data, size_t size);
void hash_finish(struct hash *hash, uint8_t *out); /* as many bytes as the kind has */

/* Of one piece. data may be NULL if size is 0. */
void hash_whole(enum hash_kind kind, const void *data, size_t size, uint8_t *out);
/* In lower case. data may be NULL if size is 0. */
void md5_hex(const void *data, size_t size, char out[MD5_HEX_SIZE]);
void sha256_hex(const void *data, size_t size, char out[SHA256_HEX_SIZE]);

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 uint8_t out[SHA256_SIZE]);
/* Only for what demands it. */
void hmac_sha1(const void *key, size_t key_size, const void *data, size_t size,
               uint8_t out[SHA1_SIZE]);
/* With a key in two pieces. */
void hmac_sha256_joined(struct slice key_start, struct slice key_end, struct slice data,
                        uint8_t out[SHA256_SIZE]);

#endif
