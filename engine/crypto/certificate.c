#include "certificate.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

enum { DAY_S = 24 * 3600, SERIAL_BYTES = 16 };

/* RFC 5280, 4.2.1.12: serverAuth. */
static const unsigned char server_purpose[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                               0x01, 0x05, 0x05, 0x07, 0x03, 0x01};

struct maker {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_pk_context key;
    mbedtls_x509write_cert certificate;
    mbedtls_mpi serial;
};

/* NULL: out of memory. */
static struct maker *maker_open(void)
{
    struct maker *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    mbedtls_entropy_init(&m->entropy);
    mbedtls_ctr_drbg_init(&m->random);
    mbedtls_pk_init(&m->key);
    mbedtls_x509write_crt_init(&m->certificate);
    mbedtls_mpi_init(&m->serial);
    return m;
}

static void maker_close(struct maker *m)
{
    mbedtls_mpi_free(&m->serial);
    mbedtls_x509write_crt_free(&m->certificate);
    mbedtls_pk_free(&m->key);
    mbedtls_ctr_drbg_free(&m->random);
    mbedtls_entropy_free(&m->entropy);
    free(m);
}

static int random_start(struct maker *m)
{
    return mbedtls_ctr_drbg_seed(&m->random, mbedtls_entropy_func, &m->entropy, NULL, 0)
               ? ERR_MEMORY
               : 0;
}

/* Keys. */

static int key_write(struct maker *m, char out[PEM_SIZE])
{
    if (random_start(m) || mbedtls_pk_setup(&m->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(m->key),
                            mbedtls_ctr_drbg_random, &m->random) ||
        mbedtls_pk_write_key_pem(&m->key, (unsigned char *)out, PEM_SIZE))
        return ERR_MEMORY;
    return 0;
}

int certificate_key_make(char key[PEM_SIZE])
{
    struct maker *m = maker_open();
    int code = m ? key_write(m, key) : ERR_MEMORY;
    if (m)
        maker_close(m);
    return code;
}

/* Certificates. */

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
    if (mbedtls_ctr_drbg_random(&m->random, bytes, sizeof bytes))
        return ERR_MEMORY;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    if (mbedtls_mpi_read_binary(&m->serial, bytes, sizeof bytes) ||
        mbedtls_x509write_crt_set_serial(&m->certificate, &m->serial))
        return ERR_MEMORY;
    return 0;
}

static int server_extensions_set(mbedtls_x509write_cert *c, struct slice names)
{
    if (mbedtls_x509write_crt_set_basic_constraints(c, 1, 0) ||
        mbedtls_x509write_crt_set_key_usage(c, MBEDTLS_X509_KU_DIGITAL_SIGNATURE |
                                                   MBEDTLS_X509_KU_KEY_CERT_SIGN) ||
        mbedtls_x509write_crt_set_subject_key_identifier(c) ||
        mbedtls_x509write_crt_set_authority_key_identifier(c) ||
        mbedtls_x509write_crt_set_extension(c, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                            MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                            (const unsigned char *)names.data, names.size) ||
        mbedtls_x509write_crt_set_extension(c, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                            MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
                                            server_purpose, sizeof server_purpose))
        return ERR_MEMORY;
    return 0;
}

static int names_set(mbedtls_x509write_cert *c, const struct certificate_plan *plan)
{
    char from[16], to[16];
    time_write(time(NULL) - DAY_S, from); /* the client's clock may be slow */
    time_write(plan->end, to);
    if (mbedtls_x509write_crt_set_subject_name(c, plan->subject) ||
        mbedtls_x509write_crt_set_issuer_name(c, plan->subject) ||
        mbedtls_x509write_crt_set_validity(c, from, to))
        return ERR_MEMORY;
    return plan->server_names.size ? server_extensions_set(c, plan->server_names) : 0;
}

static int certificate_write(struct maker *m, const struct certificate_plan *plan,
                             char out[PEM_SIZE])
{
    mbedtls_x509write_cert *c = &m->certificate;
    mbedtls_x509write_crt_set_version(c, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(c, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(c, &m->key);
    mbedtls_x509write_crt_set_issuer_key(c, &m->key);
    if (random_start(m) || serial_set(m) || names_set(c, plan) ||
        mbedtls_x509write_crt_pem(c, (unsigned char *)out, PEM_SIZE, mbedtls_ctr_drbg_random,
                                  &m->random))
        return ERR_MEMORY;
    return 0;
}

static int key_parse(mbedtls_pk_context *key, const char *pem)
{
    return mbedtls_pk_parse_key(key, (const unsigned char *)pem, strlen(pem) + 1, NULL, 0);
}

int certificate_make(const struct certificate_plan *plan, const char *key, char out[PEM_SIZE])
{
    struct maker *m = maker_open();
    if (!m)
        return ERR_MEMORY;
    int code = key_parse(&m->key, key) ? ERR_INVALID : certificate_write(m, plan, out);
    maker_close(m);
    return code;
}

static time_t time_read(const mbedtls_x509_time *time)
{
    struct tm parts = {.tm_year = time->year - 1900,
                       .tm_mon = time->mon - 1,
                       .tm_mday = time->day,
                       .tm_hour = time->hour,
                       .tm_min = time->min,
                       .tm_sec = time->sec};
    return timegm(&parts);
}

bool certificate_is_of(const char *certificate, const char *key, time_t *end)
{
    mbedtls_x509_crt crt;
    mbedtls_pk_context pk;
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&pk);
    bool fits = !mbedtls_x509_crt_parse(&crt, (const unsigned char *)certificate,
                                        strlen(certificate) + 1) &&
                !key_parse(&pk, key) && !mbedtls_pk_check_pair(&crt.pk, &pk);
    if (fits)
        *end = time_read(&crt.valid_to);
    mbedtls_x509_crt_free(&crt);
    mbedtls_pk_free(&pk);
    return fits;
}
