#include "password.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base64.h"
#include "secret.h"

enum {
    SALT_SIZE = 16,
    KEY_SIZE = 32,
    PART_SIZE = 64, /* of salt and hash, as text */
    LOG_N = 17,     /* OWASP Password Storage Cheat Sheet: N = 2^17, r = 8, p = 1 */
    BLOCK = 8,
    PARALLEL = 1,
    LOG_N_MAX = 20,
    MEMORY_MAX = 256 << 20,
};

struct password_parts {
    unsigned log_n, r, p;
    uint8_t salt[BASE64_DATA_SIZE(PART_SIZE)], key[BASE64_DATA_SIZE(PART_SIZE)];
    size_t salt_size, key_size;
};

static int derive(const char *password, const struct password_parts *parts, uint8_t *out)
{
    /* libcrypto counts more than the 128 × N × r bytes of the large array. */
    const uint64_t most = (uint64_t)MEMORY_MAX + (16 << 20);
    return EVP_PBE_scrypt(password, strlen(password), parts->salt, parts->salt_size,
                          1ull << parts->log_n, parts->r, parts->p, most, out, KEY_SIZE) == 1
               ? 0
               : ERR_MEMORY;
}

/* Without padding. */
static void base64_bare(const uint8_t *data, size_t size, char *out)
{
    base64_write(data, size, out);
    out[strcspn(out, "=")] = '\0';
}

static int bare_read(const char *text, uint8_t *out, size_t room, size_t *size)
{
    char padded[PART_SIZE + 4];
    const size_t length = strlen(text);
    if (!length || length > PART_SIZE || length % 4 == 1 || strpbrk(text, "=\r\n "))
        return ERR_INVALID;
    snprintf(padded, sizeof padded, "%s%.*s", text, (int)((4 - length % 4) % 4), "===");
    return base64_read((struct slice){padded, strlen(padded)}, out, room, size);
}

static bool parts_read(const char *hash, struct password_parts *out)
{
    char salt[PART_SIZE + 1], key[PART_SIZE + 1];
    int used = 0;
    *out = (struct password_parts){0};
    if (sscanf(hash, "$scrypt$ln=%2u,r=%2u,p=%2u$%64[^$]$%64[^$]%n", &out->log_n, &out->r, &out->p,
               salt, key, &used) != 5 ||
        hash[used])
        return false;
    if (bare_read(salt, out->salt, sizeof out->salt, &out->salt_size) ||
        bare_read(key, out->key, sizeof out->key, &out->key_size))
        return false;
    return out->log_n >= 1 && out->log_n <= LOG_N_MAX && out->r >= 1 && out->p >= 1 &&
           out->p <= 16 && out->key_size == KEY_SIZE &&
           (128ull * out->r << out->log_n) <= MEMORY_MAX;
}

int password_hash(const char *password, char out[PASSWORD_HASH_SIZE], struct error *error)
{
    struct password_parts parts = {
        .log_n = LOG_N, .r = BLOCK, .p = PARALLEL, .salt_size = SALT_SIZE};
    char salt[PART_SIZE + 1], text[PART_SIZE + 1];
    uint8_t key[KEY_SIZE];
    if (getrandom(parts.salt, SALT_SIZE, 0) != SALT_SIZE)
        return error_set(error, ERR_IO, "no random bytes");
    if (derive(password, &parts, key))
        return error_set(error, ERR_MEMORY, "a password's hash takes 128 MiB of memory");
    base64_bare(parts.salt, SALT_SIZE, salt);
    base64_bare(key, sizeof key, text);
    secret_wipe(key, sizeof key);
    snprintf(out, PASSWORD_HASH_SIZE, "$scrypt$ln=%u,r=%u,p=%u$%s$%s", parts.log_n, parts.r,
             parts.p, salt, text);
    return 0;
}

bool password_hash_is_valid(const char *hash)
{
    struct password_parts parts;
    return parts_read(hash, &parts);
}

bool password_matches(const char *password, const char *hash)
{
    struct password_parts parts;
    uint8_t key[KEY_SIZE];
    if (!parts_read(hash, &parts) || derive(password, &parts, key))
        return false;
    const bool matches = secret_equal(key, parts.key, sizeof key);
    secret_wipe(key, sizeof key);
    return matches;
}
