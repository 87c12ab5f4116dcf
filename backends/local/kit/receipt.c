#include "receipt.h"

#include <string.h>

#include "base64.h"
#include "error.h"
#include "hash.h"
#include "secret.h"

/* 8 bytes queue, 8 message, 8 nonce, 4 serial, 26 of the HMAC-SHA-256: 54 bytes give 72 letters
 * without padding. */
enum { FACTS_SIZE = 28, DIGEST_SIZE = 26, HANDLE_SIZE = FACTS_SIZE + DIGEST_SIZE };

static unsigned char *put_number(unsigned char *at, uint64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

static uint64_t get_number(const unsigned char **at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | *(*at)++;
    return value;
}

static void digest_put(const uint8_t key[RECEIPT_KEY_SIZE], unsigned char handle[HANDLE_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    hmac_sha256(key, RECEIPT_KEY_SIZE, handle, FACTS_SIZE, digest);
    memcpy(handle + FACTS_SIZE, digest, DIGEST_SIZE);
}

void receipt_write(const uint8_t key[RECEIPT_KEY_SIZE], const struct receipt *r,
                   char out[RECEIPT_TEXT_SIZE])
{
    unsigned char handle[HANDLE_SIZE], *at = handle;
    at = put_number(at, r->queue, 8);
    at = put_number(at, r->message, 8);
    at = put_number(at, r->nonce, 8);
    put_number(at, r->serial, 4);
    digest_put(key, handle);
    base64_write(handle, sizeof handle, out);
}

int receipt_read(const uint8_t key[RECEIPT_KEY_SIZE], struct slice text, struct receipt *out)
{
    unsigned char handle[HANDLE_SIZE], wanted[HANDLE_SIZE];
    size_t size;
    if (text.size != RECEIPT_TEXT_SIZE - 1 || base64_read(text, handle, sizeof handle, &size) ||
        size != sizeof handle)
        return ERR_INVALID;
    memcpy(wanted, handle, FACTS_SIZE);
    digest_put(key, wanted);
    if (!secret_equal(wanted, handle, sizeof handle))
        return ERR_INVALID;
    const unsigned char *at = handle;
    out->queue = get_number(&at, 8);
    out->message = get_number(&at, 8);
    out->nonce = get_number(&at, 8);
    out->serial = (uint32_t)get_number(&at, 4);
    return 0;
}
