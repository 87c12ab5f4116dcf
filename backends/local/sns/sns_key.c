#include "sns_key.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"
#include "certificate.h"
#include "files.h"
#include "hash.h"
#include "rsa_key.h"
#include "secret.h"

#define KEY_FILE         "sns-signing-key.pem"
#define CERTIFICATE_FILE "sns-signing-certificate.pem"

/* 2049-12-31T23:59:59Z, the last second that needs no other form of dates (RFC 5280, 4.1.2.5). */
#define CERTIFICATE_END 2524607999

static_assert(SNS_SIGNATURE_SIZE == BASE64_TEXT_SIZE(RSA_SIGNATURE_SIZE), "a signature's base64");

struct sns_key {
    struct rsa_key *pair;
    char certificate[PEM_SIZE];
};

/* Files. */

static int pem_write(const char *path, const char *text, struct error *error)
{
    return file_write_as(path, slice_of(text),
                         &(struct file_options){.mode = 0600, .durable = true}, error);
}

/* 1: it is there. */
static int pem_read(const char *path, char out[PEM_SIZE], struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    size_t size = fread(out, 1, PEM_SIZE - 1, file);
    out[size] = '\0';
    fclose(file);
    return 1;
}

/* Each leaves the key's text in pem, which the caller wipes. */

static int key_make(struct sns_key *key, const char *path, char pem[PEM_SIZE], struct error *error)
{
    int code = rsa_key_make(&key->pair, pem, error);
    return code ? code : pem_write(path, pem, error);
}

static int key_read(struct sns_key *key, const char *path, char pem[PEM_SIZE], struct error *error)
{
    int found = pem_read(path, pem, error);
    if (found <= 0)
        return found ? found : key_make(key, path, pem, error);
    int code = rsa_key_read(pem, &key->pair);
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory");
    return code ? error_set(error, code,
                            "%s is damaged: remove it and its certificate, and new ones will be "
                            "generated",
                            path)
                : 0;
}

static int certificate_write(struct sns_key *key, const char *path, const char *pem,
                             struct error *error)
{
    static const struct certificate_plan plan = {.subject = "CN=sns.thumbwheel.local,O=Thumbwheel",
                                                 .end = CERTIFICATE_END};
    if (certificate_make(&plan, pem, key->certificate))
        return error_set(error, ERR_MEMORY,
                         "the certificate for SNS signatures could not be created");
    return pem_write(path, key->certificate, error);
}

/* With one of another key, no subscriber could verify a signature. */
static int certificate_read(struct sns_key *key, const char *path, const char *pem,
                            struct error *error)
{
    time_t end;
    int found = pem_read(path, key->certificate, error);
    if (found < 0)
        return found;
    return found && certificate_is_of(key->certificate, pem, &end)
               ? 0
               : certificate_write(key, path, pem, error);
}

static int files_open(struct sns_key *key, const char *pair, const char *certificate,
                      struct error *error)
{
    char pem[PEM_SIZE];
    if (!pair || !certificate)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = key_read(key, pair, pem, error);
    if (!code)
        code = certificate_read(key, certificate, pem, error);
    secret_wipe(pem, sizeof pem);
    return code;
}

int sns_key_open(const char *directory, struct sns_key **out, struct error *error)
{
    struct sns_key *key = calloc(1, sizeof *key);
    if (!key)
        return error_set(error, ERR_MEMORY, "out of memory");
    char *pair = path_join(directory, KEY_FILE);
    char *certificate = path_join(directory, CERTIFICATE_FILE);
    int code = files_open(key, pair, certificate, error);
    free(pair);
    free(certificate);
    if (code)
        sns_key_close(key);
    else
        *out = key;
    return code;
}

void sns_key_close(struct sns_key *key)
{
    if (key)
        rsa_key_free(key->pair);
    free(key);
}

const char *sns_key_certificate(const struct sns_key *key)
{
    return key->certificate;
}

int sns_key_sign(const struct sns_key *key, int version, struct slice text,
                 char out[SNS_SIGNATURE_SIZE])
{
    uint8_t signature[RSA_SIGNATURE_SIZE];
    int code = rsa_key_sign(key->pair, version == 2 ? HASH_SHA256 : HASH_SHA1, text, signature);
    if (!code)
        base64_write(signature, sizeof signature, out);
    return code;
}
