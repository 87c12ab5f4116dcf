/* Webhooks: the signature of the specification's example, and a receiver on loopback that
 * misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scripted_server.h"
#include "webhook_notifier.h"
#include "webhook_signature.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* ---- signatures ---- */

static int sign(const char *secrets, struct buffer *out, struct error *error)
{
    buffer_init(out, 1024);
    return webhook_sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                        slice_of("{\"test\": 2432232314}"), out, error);
}

/* The example of the Standard Webhooks specification. */
static void the_signature_is_that_of_the_specification(void **state)
{
    (void)state;
    struct buffer out;
    struct error error = {0};
    assert_int_equal(sign(SECRET, &out, &error), 0);
    assert_string_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    buffer_free(&out);
    /* While a secret is replaced, there is a signature for each. */
    assert_int_equal(sign(" " SECRET "\n" SECRET "\n", &out, &error), 0);
    assert_string_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                                  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    buffer_free(&out);
}

static void a_bad_secret_is_described_but_not_shown(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "",
        " \n",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_c2hvcnQ=", /* too short */
        "whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        SECRET " " SECRET " " SECRET " " SECRET " " SECRET,
        "whsec_"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        struct buffer out;
        struct error error = {0};
        assert_int_equal(sign(secrets[i], &out, &error), ERR_CREDENTIALS);
        assert_true(error.text[0]);
        assert_null(strstr(error.text, "9r8GKY"));
        buffer_free(&out);
    }
}

/* ---- the notifier ---- */

struct world {
    uv_loop_t loop;
    struct http_client *http;
    struct scripted_server server;
    struct webhook_notifier webhooks;
    struct notify_request *request;
    char url[64];
    unsigned calls;
    struct error error;
    bool closed;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct http_client_options options = {0};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    scripted_server_start(&w->server, &w->loop);
    assert_int_equal(http_client_create(&w->loop, &options, &w->http, NULL), 0);
    webhook_notifier_init(&w->webhooks, &w->loop, w->http);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/in?a=b", w->server.port);
    setenv("HOOK_SECRET", SECRET, 1);
    *state = w;
    return 0;
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static int teardown(void **state)
{
    struct world *w = *state;
    webhook_notifier_close(&w->webhooks);
    http_client_close(w->http, on_closed, &w->closed);
    scripted_server_stop(&w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_true(w->closed);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    free(w);
    return 0;
}

static void on_notified(const struct error *error, void *user)
{
    struct world *w = user;
    w->calls++;
    w->error = *error;
}

static void begin(struct world *w, const char *secret)
{
    const struct notify_message what = {.target = w->url,
                                        .secret = secret,
                                        .id = "msg_1",
                                        .type = "photo.done",
                                        .pipeline = "web",
                                        .document = slice_of("{\"id\":\"msg_1\"}")};
    struct notifier *notifier = &w->webhooks.notifier;
    w->calls = 0;
    assert_int_equal(notifier->ops->send(notifier, &what, on_notified, w, &w->request), 0);
    assert_int_equal(w->calls, 0); /* never from within send */
}

static int notify(struct world *w, const char *secret)
{
    begin(w, secret);
    while (!w->calls)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_int_equal(w->calls, 1);
    return w->error.code;
}

#define RESPONSE(status, more) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n" more "\r\n"

static void the_request_is_that_of_the_specification(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = RESPONSE("204 No Content", "")});
    assert_int_equal(notify(w, "env:HOOK_SECRET"), 0);
    buffer_byte(&w->server.head, '\0');
    assert_non_null(strstr(w->server.head.data, "POST /in?a=b HTTP/1.1\r\n"));
    assert_non_null(strstr(w->server.head.data, "webhook-id: msg_1\r\n"));
    assert_non_null(strstr(w->server.head.data, "content-type: application/json\r\n"));
    const char *time = strstr(w->server.head.data, "webhook-timestamp: ");
    const char *signature = strstr(w->server.head.data, "webhook-signature: ");
    assert_true(time && signature);
    struct buffer expected;
    struct error error;
    char timestamp[32];
    buffer_init(&expected, 1024);
    assert_int_equal(sscanf(time, "webhook-timestamp: %31[0-9]\r\n", timestamp), 1);
    assert_int_equal(
        webhook_sign(SECRET, "msg_1", timestamp, slice_of("{\"id\":\"msg_1\"}"), &expected, &error),
        0);
    assert_memory_equal(signature + strlen("webhook-signature: "), expected.data, expected.size);
    buffer_free(&expected);
}

static void only_2xx_counts_and_nothing_is_rejected(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {RESPONSE("200 OK", ""), 0},
        {RESPONSE("302 Found", "Location: /other\r\n"), ERR_REFUSED},
        {RESPONSE("307 Temporary Redirect", "Location: /other\r\n"), ERR_REFUSED},
        {RESPONSE("400 Bad Request", ""), ERR_REFUSED},
        {RESPONSE("401 Unauthorized", ""), ERR_DENIED},
        {RESPONSE("403 Forbidden", ""), ERR_DENIED},
        {RESPONSE("404 Not Found", ""), ERR_NO_CONTAINER},
        {RESPONSE("408 Request Timeout", ""), ERR_TIMEOUT},
        {RESPONSE("410 Gone", ""), ERR_NO_CONTAINER},
        {RESPONSE("413 Content Too Large", ""), ERR_REFUSED},
        {RESPONSE("429 Too Many Requests", ""), ERR_THROTTLED},
        {RESPONSE("500 Internal Server Error", ""), ERR_SERVER},
        {RESPONSE("503 Service Unavailable", ""), ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCRIPT(&w->server, {.text = cases[i].text});
        size_t before = w->server.requests;
        assert_int_equal(notify(w, "env:HOOK_SECRET"), cases[i].code);
        assert_int_equal(w->server.requests, before + 1); /* no redirect is followed */
    }
}

static void a_long_body_does_not_matter_after_a_2xx(void **state)
{
    struct world *w = *state;
    static char text[WEBHOOK_RESPONSE_MAX + 4096];
    memset(text, 'x', sizeof text - 1);
    static const char ok[] = "HTTP/1.1 200 OK\r\n\r\n", bad[] = "HTTP/1.1 500 No\r\n\r\n";
    memcpy(text, ok, sizeof ok - 1);
    SCRIPT(&w->server, {.text = text, .afterwards = CLOSE});
    assert_int_equal(notify(w, "env:HOOK_SECRET"), 0);
    memcpy(text, bad, sizeof bad - 1);
    SCRIPT(&w->server, {.text = text, .afterwards = CLOSE});
    assert_int_equal(notify(w, "env:HOOK_SECRET"), ERR_PROTOCOL); /* never ERR_LIMIT: a rejection */
}

static void silence_and_trickles_end_in_time(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = NULL});
    uint64_t began_ms = uv_now(&w->loop);
    assert_int_equal(notify(w, "env:HOOK_SECRET"), ERR_TIMEOUT);
    assert_true(uv_now(&w->loop) - began_ms <= WEBHOOK_TIMEOUT_MS + 1000);
    SCRIPT(&w->server, {.text = RESPONSE("200 OK", ""), .trickle_ms = 5000});
    began_ms = uv_now(&w->loop);
    assert_int_equal(notify(w, "env:HOOK_SECRET"), ERR_TIMEOUT);
    assert_true(uv_now(&w->loop) - began_ms <= WEBHOOK_TIMEOUT_MS + 1000);
}

static void a_missing_secret_is_reported_and_nothing_is_sent(void **state)
{
    struct world *w = *state;
    unsetenv("HOOK_SECRET");
    assert_int_equal(notify(w, "env:HOOK_SECRET"), ERR_CREDENTIALS);
    assert_non_null(strstr(w->error.text, "HOOK_SECRET is not set"));
    setenv("HOOK_SECRET", "whsec_c2hvcnQ=", 1);
    assert_int_equal(notify(w, "env:HOOK_SECRET"), ERR_CREDENTIALS);
    assert_int_equal(notify(w, "file:/nowhere/secret"), ERR_CREDENTIALS);
    assert_non_null(strstr(w->error.text, "/nowhere/secret"));
    assert_int_equal(w->server.requests, 0);
}

static void a_cancelled_notification_is_not_reported(void **state)
{
    struct world *w = *state;
    struct notifier *notifier = &w->webhooks.notifier;
    unsetenv("HOOK_SECRET");
    begin(w, "env:HOOK_SECRET");
    notifier->ops->cancel(w->request);
    begin(w, "file:/nowhere/secret");
    notifier->ops->cancel(w->request);
    setenv("HOOK_SECRET", SECRET, 1);
    SCRIPT(&w->server, {.text = NULL});
    begin(w, "env:HOOK_SECRET");
    while (w->server.requests == 0)
        uv_run(&w->loop, UV_RUN_ONCE);
    notifier->ops->cancel(w->request);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->calls, 0);
    begin(w, "env:HOOK_SECRET"); /* the teardown closes the notifier meanwhile */
}

#define HOOK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_that_of_the_specification),
        cmocka_unit_test(a_bad_secret_is_described_but_not_shown),
        HOOK(the_request_is_that_of_the_specification),
        HOOK(only_2xx_counts_and_nothing_is_rejected),
        HOOK(a_long_body_does_not_matter_after_a_2xx),
        HOOK(silence_and_trickles_end_in_time),
        HOOK(a_missing_secret_is_reported_and_nothing_is_sent),
        HOOK(a_cancelled_notification_is_not_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
