#include "tls.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTGOING_MAX = 64 * 1024 * 1024, ERROR_SIZE = 128 };

struct tls_identity {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    mbedtls_ssl_config config;
};

struct tls_session {
    mbedtls_ssl_context ssl;
    struct slice *in; /* during tls_session_read */
    struct buffer outgoing;
    bool ready, failed;
};

static int fail(struct error *error, const char *what, const char *path, int code)
{
    char text[ERROR_SIZE];
    mbedtls_strerror(code, text, sizeof text);
    return error_set(error, ERR_INVALID, "%s %s: %s", what, path, text);
}

/* Identities. */

static int files_read(struct tls_identity *id, const char *certificate, const char *key,
                      struct error *error)
{
    int code = mbedtls_x509_crt_parse_file(&id->certificate, certificate);
    if (code)
        return fail(error, "cannot read the TLS certificate", certificate, code < 0 ? code : 0);
    code = mbedtls_pk_parse_keyfile(&id->key, key, NULL);
    if (code)
        return fail(error, "cannot read the TLS key", key, code);
    if (mbedtls_pk_check_pair(&id->certificate.pk, &id->key))
        return error_set(error, ERR_INVALID,
                         "the TLS key in %s does not match the certificate in %s", key,
                         certificate);
    return 0;
}

static int config_set(struct tls_identity *id)
{
    static const char *protocols[] = {"http/1.1", NULL};
    int code =
        mbedtls_ssl_config_defaults(&id->config, MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (code)
        return code;
    code = mbedtls_ssl_conf_alpn_protocols(&id->config, protocols);
    if (code)
        return code;
    code = mbedtls_ssl_conf_own_cert(&id->config, &id->certificate, &id->key);
    if (code)
        return code;
    mbedtls_ssl_conf_min_version(&id->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3); /* TLS 1.2 */
    mbedtls_ssl_conf_rng(&id->config, mbedtls_ctr_drbg_random, &id->random);
    return 0;
}

int tls_identity_open(const char *certificate, const char *key, struct tls_identity **out,
                      struct error *error)
{
    struct tls_identity *id = calloc(1, sizeof *id);
    if (!id)
        return error_set(error, ERR_MEMORY, "out of memory");
    mbedtls_entropy_init(&id->entropy);
    mbedtls_ctr_drbg_init(&id->random);
    mbedtls_x509_crt_init(&id->certificate);
    mbedtls_pk_init(&id->key);
    mbedtls_ssl_config_init(&id->config);
    int code = files_read(id, certificate, key, error);
    if (!code && (mbedtls_ctr_drbg_seed(&id->random, mbedtls_entropy_func, &id->entropy, NULL, 0) ||
                  config_set(id)))
        code = error_set(error, ERR_MEMORY, "TLS could not be set up");
    if (code)
        tls_identity_close(id);
    else
        *out = id;
    return code;
}

void tls_identity_close(struct tls_identity *id)
{
    if (!id)
        return;
    mbedtls_ssl_config_free(&id->config);
    mbedtls_pk_free(&id->key);
    mbedtls_x509_crt_free(&id->certificate);
    mbedtls_ctr_drbg_free(&id->random);
    mbedtls_entropy_free(&id->entropy);
    free(id);
}

/* Sessions. */

static int on_send(void *user, const unsigned char *data, size_t size)
{
    struct tls_session *s = user;
    return buffer_append(&s->outgoing, data, size) ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)size;
}

static int on_receive(void *user, unsigned char *out, size_t room)
{
    struct tls_session *s = user;
    if (!s->in || !s->in->size)
        return MBEDTLS_ERR_SSL_WANT_READ;
    size_t size = s->in->size < room ? s->in->size : room;
    memcpy(out, s->in->data, size);
    *s->in = (struct slice){s->in->data + size, s->in->size - size};
    return (int)size;
}

int tls_session_open(struct tls_identity *identity, struct tls_session **out)
{
    struct tls_session *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    mbedtls_ssl_init(&s->ssl);
    buffer_init(&s->outgoing, OUTGOING_MAX);
    if (mbedtls_ssl_setup(&s->ssl, &identity->config)) {
        tls_session_close(s);
        return ERR_MEMORY;
    }
    mbedtls_ssl_set_bio(&s->ssl, s, on_send, on_receive, NULL);
    *out = s;
    return 0;
}

void tls_session_close(struct tls_session *s)
{
    if (!s)
        return;
    mbedtls_ssl_free(&s->ssl);
    buffer_free(&s->outgoing);
    free(s);
}

bool tls_session_ready(const struct tls_session *s)
{
    return s->ready;
}

static enum tls_progress progress_of(struct tls_session *s, int code)
{
    if (code == MBEDTLS_ERR_SSL_WANT_READ)
        return TLS_MORE;
    if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return TLS_END;
    s->failed = true;
    return TLS_FAILED;
}

static int session_read(struct tls_session *s, char *out, size_t room)
{
    if (!s->ready) {
        int code = mbedtls_ssl_handshake(&s->ssl);
        if (code)
            return code;
        s->ready = true;
    }
    return mbedtls_ssl_read(&s->ssl, (unsigned char *)out, room);
}

enum tls_progress tls_session_read(struct tls_session *s, struct slice *in, char *out, size_t room,
                                   size_t *size)
{
    *size = 0;
    if (s->failed)
        return TLS_FAILED;
    s->in = in;
    int got = session_read(s, out, room);
    s->in = NULL;
    if (got <= 0)
        return progress_of(s, got);
    *size = (size_t)got;
    return TLS_DATA;
}

int tls_session_write(struct tls_session *s, struct slice plain)
{
    while (plain.size && s->ready && !s->failed) {
        int size = mbedtls_ssl_write(&s->ssl, (const unsigned char *)plain.data, plain.size);
        if (size <= 0)
            s->failed = true;
        else
            plain = (struct slice){plain.data + size, plain.size - (size_t)size};
    }
    if (s->outgoing.error)
        return s->outgoing.error;
    return s->ready && !s->failed ? 0 : ERR_PROTOCOL;
}

void tls_session_finish(struct tls_session *s)
{
    if (s->ready && !s->failed)
        mbedtls_ssl_close_notify(&s->ssl);
}

struct bytes tls_session_take(struct tls_session *s)
{
    return s->outgoing.error ? (struct bytes){0} : buffer_take(&s->outgoing);
}
