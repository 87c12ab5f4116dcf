#include "chunk_signatures.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "hash.h"
#include "hex.h"
#include "secret.h"

void chunk_signatures_start(struct chunk_signatures *chain, const char *secret,
                            const struct sigv4_scope *scope, const char *seed, bool trailer)
{
    *chain = (struct chunk_signatures){.scope = *scope, .trailer = trailer};
    sigv4_signing_key(secret, scope, chain->key);
    snprintf(chain->previous, sizeof chain->previous, "%s", seed);
}

void chunk_signatures_end(struct chunk_signatures *chain)
{
    secret_wipe(chain->key, sizeof chain->key);
}

static int take_stated(struct chunk_signatures *chain, struct slice stated)
{
    if (stated.size != SIGV4_HEX_SIZE - 1)
        return ERR_DENIED;
    memcpy(chain->stated, stated.data, stated.size);
    chain->stated[stated.size] = '\0';
    return 0;
}

int chunk_signatures_begin(struct chunk_signatures *chain, struct slice stated)
{
    hash_start(&chain->hash, HASH_SHA256);
    return take_stated(chain, stated);
}

void chunk_signatures_update(struct chunk_signatures *chain, const void *data, size_t size)
{
    hash_update(&chain->hash, data, size);
}

/* algorithm, time, scope, the previous signature, and the signed data. */
static int check(struct chunk_signatures *chain, const char *algorithm, const char *empty_hash,
                 const uint8_t content[32])
{
    char text[512], hash[SIGV4_HEX_SIZE], signature[SIGV4_HEX_SIZE];
    uint8_t mac[SIGV4_KEY_SIZE];
    hex_write(content, SIGV4_KEY_SIZE, hash);
    int size = snprintf(text, sizeof text, "%s\n%s\n%.8s/%s/%s/aws4_request\n%s\n%s%s", algorithm,
                        chain->scope.date, chain->scope.date, chain->scope.region,
                        chain->scope.service, chain->previous, empty_hash, hash);
    if (size < 0 || (size_t)size >= sizeof text)
        return ERR_DENIED;
    hmac_sha256(chain->key, sizeof chain->key, text, (size_t)size, mac);
    hex_write(mac, sizeof mac, signature);
    if (!secret_equal(signature, chain->stated, SIGV4_HEX_SIZE - 1))
        return ERR_DENIED;
    memcpy(chain->previous, signature, sizeof signature);
    return 0;
}

int chunk_signatures_check(struct chunk_signatures *chain)
{
    uint8_t content[32];
    hash_finish(&chain->hash, content);
    return check(chain, "AWS4-HMAC-SHA256-PAYLOAD", SIGV4_EMPTY_SHA256 "\n", content);
}

int chunk_signatures_check_trailer(struct chunk_signatures *chain, struct slice trailers,
                                   struct slice stated)
{
    uint8_t content[32];
    int code = chunk_signatures_begin(chain, stated);
    if (code)
        return code;
    chunk_signatures_update(chain, trailers.data, trailers.size);
    hash_finish(&chain->hash, content);
    return check(chain, "AWS4-HMAC-SHA256-TRAILER", "", content);
}
