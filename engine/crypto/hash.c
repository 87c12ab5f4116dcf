#include "hash.h"

#include <assert.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

#include "hex.h"
#include "secret.h"

enum { HMAC_BLOCK = 64 };

static_assert(sizeof(MD5_CTX) <= sizeof(((struct hash *)0)->state), "a context fits");
static_assert(sizeof(SHA_CTX) <= sizeof(((struct hash *)0)->state), "a context fits");
static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hash *)0)->state), "a context fits");

/* Contexts are structs of integers, which only libcrypto accesses. */
static void *context_of(struct hash *hash)
{
    return hash->state;
}

void hash_start(struct hash *hash, enum hash_kind kind)
{
    hash->kind = kind;
    if (kind == HASH_MD5)
        MD5_Init(context_of(hash));
    else if (kind == HASH_SHA1)
        SHA1_Init(context_of(hash));
    else
        SHA256_Init(context_of(hash));
}

void hash_update(struct hash *hash, const void *data, size_t size)
{
    if (!size) /* data may be NULL */
        return;
    if (hash->kind == HASH_MD5)
        MD5_Update(context_of(hash), data, size);
    else if (hash->kind == HASH_SHA1)
        SHA1_Update(context_of(hash), data, size);
    else
        SHA256_Update(context_of(hash), data, size);
}

void hash_finish(struct hash *hash, uint8_t *out)
{
    if (hash->kind == HASH_MD5)
        MD5_Final(out, context_of(hash));
    else if (hash->kind == HASH_SHA1)
        SHA1_Final(out, context_of(hash));
    else
        SHA256_Final(out, context_of(hash));
}

void hash_whole(enum hash_kind kind, const void *data, size_t size, uint8_t *out)
{
    struct hash hash;
    hash_start(&hash, kind);
    hash_update(&hash, data, size);
    hash_finish(&hash, out);
}

void md5_hex(const void *data, size_t size, char out[MD5_HEX_SIZE])
{
    uint8_t digest[MD5_SIZE];
    hash_whole(HASH_MD5, data, size, digest);
    hex_write(digest, sizeof digest, out);
}

static void hash_pair(enum hash_kind kind, struct slice a, struct slice b, uint8_t *out)
{
    struct hash hash;
    hash_start(&hash, kind);
    hash_update(&hash, a.data, a.size);
    hash_update(&hash, b.data, b.size);
    hash_finish(&hash, out);
}

void sha256_hex(const void *data, size_t size, char out[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    hash_whole(HASH_SHA256, data, size, digest);
    hex_write(digest, sizeof digest, out);
}

static struct slice slice_of_bytes(const void *data, size_t size)
{
    return (struct slice){data, size};
}

/* Of a kind whose digest has so many bytes, at most SHA256_SIZE; the block has the same size in all
 * kinds. */
static void hmac(enum hash_kind kind, size_t digest_size, struct slice key_start,
                 struct slice key_end, struct slice data, uint8_t *out)
{
    uint8_t block[HMAC_BLOCK] = {0}, inner[SHA256_SIZE];
    if (key_start.size + key_end.size > sizeof block) {
        hash_pair(kind, key_start, key_end, block);
    } else {
        if (key_start.size)
            memcpy(block, key_start.data, key_start.size);
        if (key_end.size)
            memcpy(block + key_start.size, key_end.data, key_end.size);
    }
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    hash_pair(kind, slice_of_bytes(block, sizeof block), data, inner);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    hash_pair(kind, slice_of_bytes(block, sizeof block), slice_of_bytes(inner, digest_size), out);
    secret_wipe(block, sizeof block);
    secret_wipe(inner, sizeof inner);
}

void hmac_sha256_joined(struct slice key_start, struct slice key_end, struct slice data,
                        uint8_t out[SHA256_SIZE])
{
    hmac(HASH_SHA256, SHA256_SIZE, key_start, key_end, data, out);
}

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 uint8_t out[SHA256_SIZE])
{
    hmac_sha256_joined(slice_of(NULL), slice_of_bytes(key, key_size), slice_of_bytes(data, size),
                       out);
}

void hmac_sha1(const void *key, size_t key_size, const void *data, size_t size,
               uint8_t out[SHA1_SIZE])
{
    hmac(HASH_SHA1, SHA1_SIZE, slice_of(NULL), slice_of_bytes(key, key_size),
         slice_of_bytes(data, size), out);
}
