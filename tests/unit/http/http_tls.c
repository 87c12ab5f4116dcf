/* A server with TLS and misbehaving peers: silent, slow, plain, broken. tests/outside/test_tls.py
 * tests successful handshakes, with independent clients. */
#include "http_world.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls.h"
#include "tls_certificate.h"

static char directory[] = "/tmp/thumbwheel-tls-XXXXXX";
static char certificate[128], key[128];

/* The first flight of mbedTLS as a client. */
static int keep_sent(void *user, const unsigned char *data, size_t size)
{
    return buffer_append(user, data, size) ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)size;
}

static int receive_nothing(void *user, unsigned char *out, size_t room)
{
    (void)user;
    (void)out;
    (void)room;
    return MBEDTLS_ERR_SSL_WANT_READ;
}

static void hello_make(struct buffer *out)
{
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    buffer_init(out, 4096);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&ssl);
    assert_int_equal(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), 0);
    assert_int_equal(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    assert_int_equal(mbedtls_ssl_setup(&ssl, &config), 0);
    mbedtls_ssl_set_bio(&ssl, out, keep_sent, receive_nothing, NULL);
    assert_int_equal(mbedtls_ssl_handshake(&ssl), MBEDTLS_ERR_SSL_WANT_READ);
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
}

static struct tls_identity *identity_open(void)
{
    struct tls_identity *identity;
    struct error error = {0};
    if (tls_identity_open(certificate, key, &identity, &error))
        fail_msg("%s", error.text);
    return identity;
}

static enum tls_progress feed(struct tls_session *session, const char *data, size_t size)
{
    char plain[256];
    size_t got;
    struct slice in = {data, size};
    enum tls_progress progress = tls_session_read(session, &in, plain, sizeof plain, &got);
    assert_int_equal(got, 0);
    return progress;
}

/* Byte by byte, cut off anywhere, and with each byte wrong: a response, a wait or a failure. */
static void a_session_takes_any_bytes(void **state)
{
    (void)state;
    struct tls_identity *identity = identity_open();
    struct buffer hello;
    hello_make(&hello);
    for (size_t at = 0; at < hello.size; at++) {
        struct tls_session *session;
        char right = hello.data[at];
        assert_int_equal(tls_session_open(identity, &session), 0);
        assert_int_equal(feed(session, hello.data, at), TLS_MORE);
        assert_int_equal(feed(session, hello.data + at, hello.size - at), TLS_MORE);
        struct bytes response = tls_session_take(session);
        assert_true(response.size > 100); /* the server's first flight */
        bytes_free(&response);
        assert_false(tls_session_ready(session));
        assert_int_equal(tls_session_write(session, SLICE_LITERAL("too early")), ERR_PROTOCOL);
        tls_session_close(session);
        hello.data[at] = (char)(right ^ 0x55);
        assert_int_equal(tls_session_open(identity, &session), 0);
        enum tls_progress progress = feed(session, hello.data, hello.size);
        assert_true(progress == TLS_MORE || progress == TLS_FAILED);
        if (progress == TLS_FAILED) /* for good */
            assert_int_equal(feed(session, hello.data, hello.size), TLS_FAILED);
        assert_false(tls_session_ready(session));
        tls_session_close(session);
        hello.data[at] = right;
    }
    buffer_free(&hello);
    tls_identity_close(identity);
}

static void a_handshake_has_its_time(void **state)
{
    (void)state;
    struct http_server_options options = {.idle_ms = 50, .tls = identity_open()};
    struct world *world = world_open(&options, handle_echo);
    struct buffer hello;
    hello_make(&hello);
    struct client *silent = client_open(world), *slow = client_open(world),
                  *waits = client_open(world);
    wait_for(world, silent->connected && slow->connected && waits->connected);
    client_send_bytes(slow, hello.data, hello.size / 2);
    client_send_bytes(waits, hello.data, hello.size);
    wait_for(world, client_over(silent) && client_over(slow) && client_over(waits));
    assert_int_equal(silent->response.size + slow->response.size, 0);
    assert_true(waits->response.size > 100);
    assert_int_equal(world->requests, 0);
    client_close(silent);
    client_close(slow);
    client_close(waits);
    world_close(world);
    buffer_free(&hello);
    tls_identity_close(options.tls);
}

static void plain_http_gets_an_explanation(void **state)
{
    (void)state;
    struct http_server_options options = {.tls = identity_open()};
    struct world *world = world_open(&options, handle_echo);
    struct client *client = client_open(world);
    wait_for(world, client->connected);
    client_send(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(world, client->eof || client->error);
    assert_true(client_has(client, "HTTP/1.1 400 "));
    assert_true(client_has(client, "use https://"));
    assert_int_equal(world->requests, 0);
    client_close(client);
    world_close(world);
    tls_identity_close(options.tls);
}

static void too_many_are_just_closed(void **state)
{
    (void)state;
    struct http_server_options options = {.connections = 1, .tls = identity_open()};
    struct world *world = world_open(&options, handle_echo);
    struct client *first = client_open(world);
    wait_for(world, first->connected);
    struct client *second = client_open(world);
    wait_for(world, client_over(second));
    assert_int_equal(second->response.size, 0);
    client_close(first);
    client_close(second);
    world_close(world);
    tls_identity_close(options.tls);
}

static void a_certificate_is_kept_and_replaced_without_its_key(void **state)
{
    (void)state;
    struct error error = {0};
    struct stat before, after;
    assert_int_equal(stat(certificate, &before), 0);
    assert_int_equal(tls_certificate_ensure(directory, &error), 0);
    assert_int_equal(stat(certificate, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(tls_certificate_ensure(directory, &error), 0);
    assert_int_equal(stat(key, &after), 0);
    assert_int_equal(after.st_mode & 07777, 0600);
    tls_identity_close(identity_open());
    assert_int_equal(tls_certificate_ensure("/nonexistent", &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/tls-key.pem"));
}

static int setup(void **state)
{
    (void)state;
    struct error error = {0};
    if (!mkdtemp(directory))
        return -1;
    snprintf(certificate, sizeof certificate, "%s/" TLS_CERTIFICATE_FILE, directory);
    snprintf(key, sizeof key, "%s/" TLS_KEY_FILE, directory);
    return tls_certificate_ensure(directory, &error);
}

static int teardown(void **state)
{
    (void)state;
    unlink(certificate);
    unlink(key);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_takes_any_bytes),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(plain_http_gets_an_explanation),
        cmocka_unit_test(too_many_are_just_closed),
        cmocka_unit_test(a_certificate_is_kept_and_replaced_without_its_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
