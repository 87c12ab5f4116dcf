/*
 * While the thread runs, everything in `made` is its own; when it has told the loop of its end, the
 * loop's.
 */
#include "sns_signer.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/base64.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pem.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "container_of.h"
#include "log.h"

enum { KEY_BITS = 2048, KEY_EXPONENT = 65537, PEM_MAX = 8192, SERIAL_SIZE = 16 };

#define KEY_FILE         "sns-signing-key.pem"
#define CERTIFICATE_FILE "sns-signing-certificate.pem"
#define SUBJECT          "CN=sns.thumbwheel.local,O=Thumbwheel"

struct made {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_pk_context key;
    char certificate[PEM_MAX];
    int status;
    struct error error;
};

struct sns_signer {
    uv_loop_t *loop;
    const char *directory;
    uv_thread_t thread;
    uv_async_t ended;
    bool running, ready;
    struct list wishes;
    struct made made;
    char path[SNS_CERTIFICATE_PATH_SIZE];
    void (*closed)(void *user);
    void *user;
};

/* The thread: files. */

static int file_error(struct error *error, const char *path)
{
    return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
}

static int file_write(const char *path, const char *text, struct error *error)
{
    char temporary[4096];
    size_t size = strlen(text);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_error(error, temporary);
    bool failed = write(fd, text, size) != (ssize_t)size || fsync(fd);
    failed = close(fd) || failed || rename(temporary, path);
    if (failed)
        file_error(error, path);
    if (failed)
        unlink(temporary);
    return failed ? ERR_IO : 0;
}

/* 1: it is there. */
static int file_read(const char *path, char out[PEM_MAX], struct error *error)
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

/* The thread: key and certificate. */

static int crypto_error(struct error *error, const char *what, int code)
{
    return error_set(error, ERR_IO, "%s failed (mbedTLS -0x%04x)", what, (unsigned)-code);
}

static int key_make(struct made *m, const char *path)
{
    unsigned char pem[PEM_MAX];
    int code = mbedtls_pk_setup(&m->key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    if (!code)
        code = mbedtls_rsa_gen_key(mbedtls_pk_rsa(m->key), mbedtls_ctr_drbg_random, &m->random,
                                   KEY_BITS, KEY_EXPONENT);
    if (!code)
        code = mbedtls_pk_write_key_pem(&m->key, pem, sizeof pem);
    int status = code ? crypto_error(&m->error, "making the key for SNS's signatures", code)
                      : file_write(path, (const char *)pem, &m->error);
    mbedtls_platform_zeroize(pem, sizeof pem);
    return status;
}

static int key_read(struct made *m, const char *path)
{
    char pem[PEM_MAX];
    int found = file_read(path, pem, &m->error);
    if (found <= 0)
        return found ? found : key_make(m, path);
    int code = mbedtls_pk_parse_key(&m->key, (const unsigned char *)pem, strlen(pem) + 1, NULL, 0);
    mbedtls_platform_zeroize(pem, sizeof pem);
    if (!code && mbedtls_pk_get_bitlen(&m->key) != KEY_BITS)
        code = MBEDTLS_ERR_PK_KEY_INVALID_FORMAT;
    return code ? error_set(&m->error, ERR_CORRUPT,
                            "%s is damaged: remove it and its certificate, and new ones are made",
                            path)
                : 0;
}

static int certificate_fill(mbedtls_x509write_cert *c, mbedtls_mpi *serial, struct made *m)
{
    char from[16];
    time_t yesterday = time(NULL) - 24 * 3600;
    struct tm parts;
    gmtime_r(&yesterday, &parts);
    strftime(from, sizeof from, "%Y%m%d%H%M%S", &parts);
    mbedtls_x509write_crt_set_subject_key(c, &m->key);
    mbedtls_x509write_crt_set_issuer_key(c, &m->key);
    mbedtls_x509write_crt_set_md_alg(c, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_version(c, MBEDTLS_X509_CRT_VERSION_3);
    int code = mbedtls_x509write_crt_set_subject_name(c, SUBJECT);
    if (!code)
        code = mbedtls_x509write_crt_set_issuer_name(c, SUBJECT);
    if (!code)
        code = mbedtls_mpi_fill_random(serial, SERIAL_SIZE, mbedtls_ctr_drbg_random, &m->random);
    if (!code)
        code = mbedtls_x509write_crt_set_serial(c, serial);
    if (!code)
        code = mbedtls_x509write_crt_set_validity(c, from, "20491231235959");
    return code;
}

static int certificate_make(struct made *m, const char *path)
{
    mbedtls_x509write_cert certificate;
    mbedtls_mpi serial;
    mbedtls_x509write_crt_init(&certificate);
    mbedtls_mpi_init(&serial);
    int code = certificate_fill(&certificate, &serial, m);
    if (!code)
        code = mbedtls_x509write_crt_pem(&certificate, (unsigned char *)m->certificate, PEM_MAX,
                                         mbedtls_ctr_drbg_random, &m->random);
    mbedtls_mpi_free(&serial);
    mbedtls_x509write_crt_free(&certificate);
    return code ? crypto_error(&m->error, "making the certificate for SNS's signatures", code)
                : file_write(path, m->certificate, &m->error);
}

static int make(struct made *m, const char *directory)
{
    char key[4096], certificate[4096];
    snprintf(key, sizeof key, "%s/" KEY_FILE, directory);
    snprintf(certificate, sizeof certificate, "%s/" CERTIFICATE_FILE, directory);
    int code = mbedtls_ctr_drbg_seed(&m->random, mbedtls_entropy_func, &m->entropy, NULL, 0);
    if (code)
        return crypto_error(&m->error, "gathering randomness", code);
    int status = key_read(m, key);
    if (status)
        return status;
    int found = file_read(certificate, m->certificate, &m->error);
    if (found < 0)
        return found;
    return found ? 0 : certificate_make(m, certificate);
}

static void made_init(struct made *m)
{
    mbedtls_entropy_init(&m->entropy);
    mbedtls_ctr_drbg_init(&m->random);
    mbedtls_pk_init(&m->key);
    m->error = (struct error){0};
}

static void made_free(struct made *m)
{
    mbedtls_pk_free(&m->key);
    mbedtls_ctr_drbg_free(&m->random);
    mbedtls_entropy_free(&m->entropy);
}

static void thread_main(void *argument)
{
    struct sns_signer *signer = argument;
    signer->made.status = make(&signer->made, signer->directory);
    uv_async_send(&signer->ended);
}

/* The loop. */

static void path_set(struct sns_signer *signer)
{
    unsigned char digest[32];
    int at = snprintf(signer->path, sizeof signer->path, "/SimpleNotificationService-");
    mbedtls_sha256_ret((const unsigned char *)signer->made.certificate,
                       strlen(signer->made.certificate), digest, 0);
    for (int i = 0; i < 16; i++)
        at += snprintf(signer->path + at, sizeof signer->path - (size_t)at, "%02x", digest[i]);
    snprintf(signer->path + at, sizeof signer->path - (size_t)at, ".pem");
}

static void wishes_answer(struct sns_signer *signer, int status)
{
    struct list wishes, *link;
    list_init(&wishes);
    list_move_all(&wishes, &signer->wishes);
    while ((link = list_shift(&wishes))) {
        struct sns_signer_wish *wish = container_of(link, struct sns_signer_wish, link);
        wish->ready(wish, status);
    }
}

static void signer_free(struct sns_signer *signer)
{
    void (*closed)(void *user) = signer->closed;
    void *user = signer->user;
    made_free(&signer->made);
    free(signer);
    if (closed)
        closed(user);
}

static void ended_closed(uv_handle_t *handle)
{
    struct sns_signer *signer = container_of((uv_async_t *)handle, struct sns_signer, ended);
    int status = signer->made.status;
    signer->running = false;
    if (signer->closed) {
        signer_free(signer);
        return;
    }
    signer->ready = !status;
    if (status) {
        log_error("SNS's messages cannot be signed", LOG_TEXT("error", signer->made.error.text));
        made_free(&signer->made);
        made_init(&signer->made);
    } else {
        path_set(signer);
    }
    wishes_answer(signer, status);
}

static void thread_ended(uv_async_t *async)
{
    struct sns_signer *signer = container_of(async, struct sns_signer, ended);
    uv_thread_join(&signer->thread);
    uv_close((uv_handle_t *)async, ended_closed);
}

static int thread_start(struct sns_signer *signer)
{
    if (uv_async_init(signer->loop, &signer->ended, thread_ended))
        return ERR_MEMORY;
    signer->running = true;
    if (uv_thread_create(&signer->thread, thread_main, signer) == 0)
        return 0;
    signer->made.status = error_set(&signer->made.error, ERR_MEMORY, "no thread can be started");
    uv_close((uv_handle_t *)&signer->ended, ended_closed);
    return 0;
}

void sns_signer_want(struct sns_signer *signer, struct sns_signer_wish *wish)
{
    list_push(&signer->wishes, &wish->link);
    if (!signer->running && thread_start(signer))
        log_error("SNS's messages cannot be signed", LOG_TEXT("error", "out of memory"));
}

bool sns_signer_ready(const struct sns_signer *signer)
{
    return signer->ready;
}

int sns_signer_sign(struct sns_signer *signer, int version, struct slice text,
                    char out[SNS_SIGNATURE_SIZE])
{
    unsigned char digest[32], signature[KEY_BITS / 8];
    const unsigned char *data = (const unsigned char *)text.data;
    size_t size = 0;
    if (version == 2)
        mbedtls_sha256_ret(data, text.size, digest, 0);
    else
        mbedtls_sha1_ret(data, text.size, digest);
    int code = mbedtls_pk_sign(
        &signer->made.key, version == 2 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA1, digest,
        version == 2 ? 32 : 20, signature, &size, mbedtls_ctr_drbg_random, &signer->made.random);
    if (!code)
        code =
            mbedtls_base64_encode((unsigned char *)out, SNS_SIGNATURE_SIZE, &size, signature, size);
    return code ? ERR_MEMORY : 0;
}

const char *sns_signer_certificate_path(const struct sns_signer *signer)
{
    return signer->path;
}

const char *sns_signer_certificate(const struct sns_signer *signer)
{
    return signer->made.certificate;
}

int sns_signer_open(uv_loop_t *loop, const char *directory, struct sns_signer **out)
{
    struct sns_signer *signer = calloc(1, sizeof *signer);
    if (!signer)
        return ERR_MEMORY;
    signer->loop = loop;
    signer->directory = directory;
    list_init(&signer->wishes);
    made_init(&signer->made);
    *out = signer;
    return 0;
}

static void nothing(void *user)
{
    (void)user;
}

void sns_signer_close(struct sns_signer *signer, void (*closed)(void *user), void *user)
{
    signer->closed = closed ? closed : nothing;
    signer->user = user;
    wishes_answer(signer, ERR_CANCELLED);
    if (!signer->running)
        signer_free(signer);
}
