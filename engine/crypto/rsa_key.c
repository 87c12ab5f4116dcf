#include "rsa_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdlib.h>

struct rsa_key {
    EVP_PKEY *pair;
};

/* Empties libcrypto's error queue. */
static int crypto_error(struct error *error)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return error_set(error, ERR_IO, "generating an RSA key failed: %s",
                     reason ? reason : "out of memory");
}

static bool pem_write(EVP_PKEY *pair, char pem[PEM_SIZE])
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool written = bio && PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL);
    int size = written ? BIO_read(bio, pem, PEM_SIZE - 1) : 0;
    pem[size > 0 ? size : 0] = '\0';
    BIO_free(bio);
    return size > 0 && size < PEM_SIZE - 1;
}

int rsa_key_make(struct rsa_key **out, char pem[PEM_SIZE], struct error *error)
{
    struct rsa_key *key = calloc(1, sizeof *key);
    if (!key)
        return error_set(error, ERR_MEMORY, "out of memory");
    key->pair = EVP_RSA_gen(RSA_KEY_BITS);
    if (!key->pair || !pem_write(key->pair, pem)) {
        rsa_key_free(key);
        return crypto_error(error);
    }
    *out = key;
    return 0;
}

/* A key that needs a password is not ours; without this, OpenSSL would ask for one on the
 * terminal. */
static int no_password(char *out, int size, int writing, void *user)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

int rsa_key_read(const char *pem, struct rsa_key **out)
{
    struct rsa_key *key = calloc(1, sizeof *key);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    if (key && bio)
        key->pair = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (!key)
        return ERR_MEMORY;
    if (!key->pair || !EVP_PKEY_is_a(key->pair, "RSA") ||
        EVP_PKEY_get_bits(key->pair) != RSA_KEY_BITS) {
        rsa_key_free(key);
        return ERR_CORRUPT;
    }
    *out = key;
    return 0;
}

void rsa_key_free(struct rsa_key *key)
{
    if (key)
        EVP_PKEY_free(key->pair);
    free(key);
}

int rsa_key_sign(const struct rsa_key *key, enum hash_kind digest, struct slice text,
                 uint8_t out[RSA_SIGNATURE_SIZE])
{
    size_t size = RSA_SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *kind = digest == HASH_SHA256 ? EVP_sha256() : EVP_sha1();
    bool done =
        context && EVP_DigestSignInit(context, NULL, kind, NULL, key->pair) > 0 &&
        EVP_DigestSign(context, out, &size, (const unsigned char *)text.data, text.size) > 0;
    EVP_MD_CTX_free(context);
    if (!done)
        ERR_clear_error();
    return done ? 0 : ERR_MEMORY;
}
