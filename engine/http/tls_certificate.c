#include "tls_certificate.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "files.h"

enum {
    PEM_SIZE = 4096,
    DAY_S = 24 * 3600,
    GOOD_DAYS = 3650,
    SPARE_DAYS = 30, /* replaced this long before it expires */
    SERIAL_BYTES = 16,
};

/* RFC 5280, 4.2.1.6: a sequence of dNSName [2] and iPAddress [7]. */
static const unsigned char names[] = {
    0x30, 0x30, 0x82, 9,   'l', 'o', 'c', 'a', 'l', 'h',  'o', 's', 't', 0x82, 11, '*',  '.',
    'l',  'o',  'c',  'a', 'l', 'h', 'o', 's', 't', 0x87, 4,   127, 0,   0,    1,  0x87, 16,
    0,    0,    0,    0,   0,   0,   0,   0,   0,   0,    0,   0,   0,   0,    0,  1};
/* 4.2.1.12: serverAuth. */
static const unsigned char purpose[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                        0x01, 0x05, 0x05, 0x07, 0x03, 0x01};

struct maker {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_pk_context key;
    mbedtls_x509write_cert certificate;
    mbedtls_mpi serial;
    unsigned char certificate_pem[PEM_SIZE], key_pem[PEM_SIZE];
};

/* Creating. */

static int key_make(struct maker *m)
{
    int code = mbedtls_ctr_drbg_seed(&m->random, mbedtls_entropy_func, &m->entropy, NULL, 0);
    if (!code)
        code = mbedtls_pk_setup(&m->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (!code)
        code = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(m->key),
                                   mbedtls_ctr_drbg_random, &m->random);
    if (!code)
        code = mbedtls_pk_write_key_pem(&m->key, m->key_pem, sizeof m->key_pem);
    return code;
}

static void time_write(time_t time, char out[16])
{
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(out, 16, "%Y%m%d%H%M%S", &parts);
}

/* Positive, as RFC 5280 requires. */
static int serial_set(struct maker *m)
{
    unsigned char bytes[SERIAL_BYTES];
    int code = mbedtls_ctr_drbg_random(&m->random, bytes, sizeof bytes);
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    if (!code)
        code = mbedtls_mpi_read_binary(&m->serial, bytes, sizeof bytes);
    return code ? code : mbedtls_x509write_crt_set_serial(&m->certificate, &m->serial);
}

static int extensions_set(mbedtls_x509write_cert *c)
{
    int code = mbedtls_x509write_crt_set_basic_constraints(c, 1, 0);
    if (!code)
        code = mbedtls_x509write_crt_set_key_usage(c, MBEDTLS_X509_KU_DIGITAL_SIGNATURE |
                                                          MBEDTLS_X509_KU_KEY_CERT_SIGN);
    if (!code)
        code = mbedtls_x509write_crt_set_subject_key_identifier(c);
    if (!code)
        code = mbedtls_x509write_crt_set_authority_key_identifier(c);
    if (!code)
        code = mbedtls_x509write_crt_set_extension(c, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME),
                                                   0, names, sizeof names);
    if (!code)
        code = mbedtls_x509write_crt_set_extension(c, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE),
                                                   0, purpose, sizeof purpose);
    return code;
}

static int certificate_make(struct maker *m)
{
    static const char subject[] = "CN=localhost,O=Thumbwheel embedded cloud";
    mbedtls_x509write_cert *c = &m->certificate;
    char from[16], to[16];
    time_t now = time(NULL);
    time_write(now - DAY_S, from); /* the client's clock may be slow */
    time_write(now + (time_t)GOOD_DAYS * DAY_S, to);
    mbedtls_x509write_crt_set_version(c, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(c, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(c, &m->key);
    mbedtls_x509write_crt_set_issuer_key(c, &m->key);
    int code = mbedtls_x509write_crt_set_subject_name(c, subject);
    if (!code)
        code = mbedtls_x509write_crt_set_issuer_name(c, subject);
    if (!code)
        code = mbedtls_x509write_crt_set_validity(c, from, to);
    if (!code)
        code = serial_set(m);
    if (!code)
        code = extensions_set(c);
    if (!code)
        code = mbedtls_x509write_crt_pem(c, m->certificate_pem, sizeof m->certificate_pem,
                                         mbedtls_ctr_drbg_random, &m->random);
    return code;
}

static int pem_write(const char *path, const unsigned char *pem, unsigned mode, struct error *error)
{
    return file_write_as(path, slice_of((const char *)pem),
                         &(struct file_options){.mode = mode, .durable = true}, error);
}

static bool is_good(const char *certificate, const char *key)
{
    mbedtls_x509_crt crt;
    mbedtls_pk_context pk;
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&pk);
    char text[16], end[16];
    bool good = !mbedtls_x509_crt_parse_file(&crt, certificate) &&
                !mbedtls_pk_parse_keyfile(&pk, key, NULL) && !mbedtls_pk_check_pair(&crt.pk, &pk);
    const mbedtls_x509_time *to = &crt.valid_to;
    snprintf(end, sizeof end, "%04u%02u%02u%02u%02u%02u", (unsigned)to->year % 10000,
             (unsigned)to->mon % 100, (unsigned)to->day % 100, (unsigned)to->hour % 100,
             (unsigned)to->min % 100, (unsigned)to->sec % 100);
    time_write(time(NULL) + (time_t)SPARE_DAYS * DAY_S, text);
    mbedtls_x509_crt_free(&crt);
    mbedtls_pk_free(&pk);
    return good && strcmp(end, text) > 0;
}

static int make(const char *certificate, const char *key, struct error *error)
{
    struct maker *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(error, ERR_MEMORY, "out of memory");
    mbedtls_entropy_init(&m->entropy);
    mbedtls_ctr_drbg_init(&m->random);
    mbedtls_pk_init(&m->key);
    mbedtls_x509write_crt_init(&m->certificate);
    mbedtls_mpi_init(&m->serial);
    int status = 0;
    if (key_make(m) || certificate_make(m))
        status = error_set(error, ERR_MEMORY, "a TLS certificate could not be created");
    if (!status) /* the key first: a certificate without its key is generated again */
        status = pem_write(key, m->key_pem, 0600, error);
    if (!status)
        status = pem_write(certificate, m->certificate_pem, 0644, error);
    mbedtls_mpi_free(&m->serial);
    mbedtls_x509write_crt_free(&m->certificate);
    mbedtls_pk_free(&m->key);
    mbedtls_ctr_drbg_free(&m->random);
    mbedtls_entropy_free(&m->entropy);
    explicit_bzero(m, sizeof *m);
    free(m);
    return status;
}

int tls_certificate_ensure(const char *directory, struct error *error)
{
    char *certificate = NULL, *key = NULL;
    int status = 0;
    if (asprintf(&certificate, "%s/" TLS_CERTIFICATE_FILE, directory) < 0)
        certificate = NULL;
    if (asprintf(&key, "%s/" TLS_KEY_FILE, directory) < 0)
        key = NULL;
    if (!certificate || !key)
        status = error_set(error, ERR_MEMORY, "out of memory");
    else if (!is_good(certificate, key))
        status = make(certificate, key, error);
    free(certificate);
    free(key);
    return status;
}
