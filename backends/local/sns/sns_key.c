#include "sns_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum { KEY_BITS = 2048, PEM_MAX = 8192, SERIAL_BITS = 127 };

#define KEY_FILE         "sns-signing-key.pem"
#define CERTIFICATE_FILE "sns-signing-certificate.pem"

struct sns_key {
    EVP_PKEY *pair;
    char certificate[PEM_MAX];
};

/* Files. */

static int file_error(struct error *error, const char *path)
{
    return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
}

static int pem_write(const char *path, const char *text, struct error *error)
{
    return file_write_as(path, slice_of(text),
                         &(struct file_options){.mode = 0600, .durable = true}, error);
}

/* 1: the file exists. */
static int pem_read(const char *path, char out[PEM_MAX], struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return file_error(error, path);
    size_t size = fread(out, 1, PEM_MAX - 1, file);
    out[size] = '\0';
    fclose(file);
    return 1;
}

/* Takes the error message off libcrypto's error queue. */
static int crypto_error(struct error *error, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return error_set(error, ERR_IO, "%s failed: %s", what, reason ? reason : "out of memory");
}

/* The contents of a memory BIO, as text. */
static bool text_take(BIO *bio, char out[PEM_MAX])
{
    int size = BIO_read(bio, out, PEM_MAX - 1);
    out[size > 0 ? size : 0] = '\0';
    return size > 0 && size < PEM_MAX - 1;
}

/* The key. */

static int key_make(struct sns_key *key, const char *path, struct error *error)
{
    char pem[PEM_MAX];
    key->pair = EVP_RSA_gen(KEY_BITS);
    BIO *bio = BIO_new(BIO_s_secmem());
    bool made = key->pair && bio &&
                PEM_write_bio_PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL) &&
                text_take(bio, pem);
    BIO_free(bio);
    int status = made ? pem_write(path, pem, error)
                      : crypto_error(error, "generating the key for SNS signatures");
    OPENSSL_cleanse(pem, sizeof pem);
    return status;
}

/* Our keys have no passphrase; without this callback libcrypto would prompt on the terminal. */
static int no_password(char *out, int size, int writing, void *user)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static int key_parse(struct sns_key *key, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    key->pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    bool good =
        key->pair && EVP_PKEY_is_a(key->pair, "RSA") && EVP_PKEY_get_bits(key->pair) == KEY_BITS;
    return good ? 0 : ERR_CORRUPT;
}

static int key_read(struct sns_key *key, const char *path, struct error *error)
{
    char pem[PEM_MAX];
    int found = pem_read(path, pem, error);
    if (found <= 0)
        return found ? found : key_make(key, path, error);
    int status = key_parse(key, pem);
    OPENSSL_cleanse(pem, sizeof pem);
    return status
               ? error_set(
                     error, status,
                     "%s is damaged: remove it and its certificate, and new ones will be generated",
                     path)
               : 0;
}

/* The certificate. */

static bool name_fill(X509 *x)
{
    X509_NAME *name = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"sns.thumbwheel.local", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Thumbwheel",
                                      -1, -1, 0) &&
           X509_set_issuer_name(x, name);
}

static bool serial_fill(X509 *x)
{
    BIGNUM *number = BN_new();
    bool done = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return done;
}

static bool certificate_fill(X509 *x, EVP_PKEY *pair)
{
    return X509_set_version(x, 2) && serial_fill(x) && name_fill(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -24L * 3600) &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "20491231235959Z") &&
           X509_set_pubkey(x, pair) && X509_sign(x, pair, EVP_sha256());
}

static int certificate_make(struct sns_key *key, const char *path, struct error *error)
{
    X509 *x = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    bool made = x && bio && certificate_fill(x, key->pair) && PEM_write_bio_X509(bio, x) &&
                text_take(bio, key->certificate);
    BIO_free(bio);
    X509_free(x);
    return made ? pem_write(path, key->certificate, error)
                : crypto_error(error, "generating the certificate for SNS signatures");
}

static int files_open(struct sns_key *key, const char *directory, struct error *error)
{
    char pair[4096], certificate[4096];
    snprintf(pair, sizeof pair, "%s/" KEY_FILE, directory);
    snprintf(certificate, sizeof certificate, "%s/" CERTIFICATE_FILE, directory);
    int status = key_read(key, pair, error);
    if (status)
        return status;
    int found = pem_read(certificate, key->certificate, error);
    if (found < 0)
        return found;
    return found ? 0 : certificate_make(key, certificate, error);
}

int sns_key_open(const char *directory, struct sns_key **out, struct error *error)
{
    struct sns_key *key = calloc(1, sizeof *key);
    if (!key)
        return error_set(error, ERR_MEMORY, "out of memory");
    int status = files_open(key, directory, error);
    if (status)
        sns_key_close(key);
    else
        *out = key;
    return status;
}

void sns_key_close(struct sns_key *key)
{
    if (key)
        EVP_PKEY_free(key->pair);
    free(key);
}

const char *sns_key_certificate(const struct sns_key *key)
{
    return key->certificate;
}

int sns_key_sign(const struct sns_key *key, int version, struct slice text,
                 char out[SNS_SIGNATURE_SIZE])
{
    unsigned char signature[KEY_BITS / 8];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = version == 2 ? EVP_sha256() : EVP_sha1();
    bool done =
        context && EVP_DigestSignInit(context, NULL, digest, NULL, key->pair) > 0 &&
        EVP_DigestSign(context, signature, &size, (const unsigned char *)text.data, text.size) > 0;
    EVP_MD_CTX_free(context);
    if (done)
        EVP_EncodeBlock((unsigned char *)out, signature, (int)size);
    else
        ERR_clear_error();
    return done ? 0 : ERR_MEMORY;
}
