#include "scripted_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "hash.h"
#include "sigv4.h"
#include "sns.h"

struct script script;

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

const struct backend_settings script_options = {
    .region = "eu-central-1",
    .access_key = "AKIDEXAMPLE",
    .secret_key = SECRET,
    .ignore_environment = true,
};

struct http_exchange {
    uv_timer_t timer;
    const struct scripted_response *scripted;
    http_done *done;
    void *user;
    char etag[40];
};

/* --- the client's interface --- */

const char *http_response_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    }
    return NULL;
}

struct bytes http_response_take_body(const struct http_response *response)
{
    return bytes_take((struct bytes *)(uintptr_t)&response->body);
}

static void exchange_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct http_exchange, timer));
}

static struct bytes body_of(const char *text)
{
    if (!text)
        return (struct bytes){0};
    return bytes_give(strdup(text), strlen(text));
}

/* As S3 responses: a PUT with the MD5 of what it was sent. */
static void etag_make(const struct http_request *request, char out[40])
{
    char md5[MD5_HEX_SIZE];
    md5_hex(request->body_size ? request->body : "", request->body_size, md5);
    snprintf(out, 40, "\"%s\"", strcmp(request->method, "PUT") == 0 ? md5 : "etag");
}

static void on_response_due(uv_timer_t *timer)
{
    struct http_exchange *exchange = container_of(timer, struct http_exchange, timer);
    const struct scripted_response *scripted = exchange->scripted;
    struct http_response response = {.error = scripted->error,
                                     .status = scripted->error == ERR_LIMIT ? 200
                                               : scripted->error            ? 0
                                                                            : scripted->status,
                                     .headers = scripted->headers,
                                     .body = body_of(scripted->body),
                                     .detail = scripted->error ? "connection refused" : ""};
    struct http_header headers[9];
    while (response.header_count < 8 && scripted->headers[response.header_count].name) {
        headers[response.header_count] = scripted->headers[response.header_count];
        response.header_count++;
    }
    response.headers = headers;
    if (!http_response_header(&response, "etag") && !scripted->bare)
        headers[response.header_count++] = (struct http_header){"etag", exchange->etag};
    exchange->done(&response, exchange->user);
    bytes_free(&response.body);
    uv_close((uv_handle_t *)timer, exchange_closed);
}

static void request_record(const struct http_request *from)
{
    struct scripted_request *to = &script.requests[script.sent++];
    to->method = strdup(from->method);
    to->url = strdup(from->url);
    to->body = calloc(1, from->body_size + 1);
    assert_non_null(to->body);
    if (from->body_size)
        memcpy(to->body, from->body, from->body_size);
    to->body_size = from->body_size;
    to->response_max = from->response_max;
    to->total_timeout_ms = from->total_timeout_ms;
    assert_true(from->header_count <= SCRIPT_HEADERS_MAX);
    for (size_t i = 0; i < from->header_count; i++)
        to->headers[to->header_count++] =
            (struct http_header){strdup(from->headers[i].name), strdup(from->headers[i].value)};
}

int http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                       struct http_client **out, struct error *error)
{
    (void)loop, (void)options;
    *out = NULL;
    return error_set(error, ERR_NETWORK, "there is no network");
}

void http_client_close(struct http_client *client, void (*closed)(void *user), void *user)
{
    (void)client, (void)closed, (void)user;
}

int http_client_trust(struct http_client *client, const char *path, bool is_directory)
{
    (void)client;
    (void)path, (void)is_directory;
    return 0;
}

unsigned http_client_idle_timeout(const struct http_client *client)
{
    (void)client;
    return 30000;
}

int http_client_send(struct http_client *client, const struct http_request *request,
                     http_done *done, void *user, struct http_exchange **out)
{
    (void)client;
    if (!script.respond && script.sent >= script.response_count)
        fail_msg("request %zu is not in the script: %s %s", script.sent + 1, request->method,
                 request->url);
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    assert_non_null(exchange);
    exchange->scripted = script.respond ? script.respond(request) : &script.responses[script.sent];
    exchange->done = done;
    exchange->user = user;
    if (!script.respond)
        request_record(request);
    etag_make(request, exchange->etag);
    assert_int_equal(uv_timer_init(&script.loop, &exchange->timer), 0);
    if (!exchange->scripted->never)
        assert_int_equal(
            uv_timer_start(&exchange->timer, on_response_due, exchange->scripted->delay_ms, 0), 0);
    *out = exchange;
    return 0;
}

void http_exchange_cancel(struct http_exchange *exchange)
{
    script.cancelled++;
    uv_close((uv_handle_t *)&exchange->timer, exchange_closed);
}

/* --- the script --- */

void script_begin(const struct scripted_response *responses, size_t count,
                  const struct backend_settings *options)
{
    static struct scripted_response kept[SCRIPT_MAX];
    struct error error = {0};
    assert_true(count <= SCRIPT_MAX);
    memset(&script, 0, sizeof script);
    if (count)
        memcpy(kept, responses, count * sizeof *responses);
    script.responses = kept;
    script.response_count = count;
    assert_int_equal(uv_loop_init(&script.loop), 0);
    assert_int_equal(aws_create(&script.loop, NULL, options, &script.aws, &error), 0);
}

void script_run(const bool *done)
{
    while (!*done)
        assert_true(uv_run(&script.loop, UV_RUN_ONCE) || *done);
}

static void request_clear(struct scripted_request *request)
{
    free(request->method);
    free(request->url);
    free(request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        free((char *)(uintptr_t)request->headers[i].name);
        free((char *)(uintptr_t)request->headers[i].value);
    }
}

void script_end(void)
{
    aws_destroy(script.aws);
    uv_run(&script.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&script.loop), 0);
    assert_int_equal(script.sent, script.response_count);
    for (size_t i = 0; i < script.sent; i++)
        request_clear(&script.requests[i]);
}

void script_on_done(const struct error *error, void *outcome)
{
    *(struct script_outcome *)outcome = (struct script_outcome){.done = true, .error = *error};
}

static void on_published(const struct aws_reply *reply, void *user)
{
    struct script_publish *publish = user;
    publish->done(&reply->error, publish->user);
}

int script_publish_start(struct script_publish *publish, const char *topic_arn, const char *subject,
                         const char *message)
{
    const struct sns_parameter parameters[] = {
        {"TopicArn", topic_arn}, {"Subject", subject}, {"Message", message}};
    const struct sns_client_call call = {.action = "Publish",
                                         .resource = topic_arn,
                                         .topic_arn = topic_arn,
                                         .parameters = parameters,
                                         .parameter_count = 3,
                                         .done = on_published,
                                         .user = publish};
    return sns_start(script.aws, &call);
}

const char *script_header(size_t request, const char *name)
{
    const struct scripted_request *r = &script.requests[request];
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    }
    return NULL;
}

/* Computes the signature of the received request with the shared secret, like a server. */
void script_assert_signed_for(size_t request, const char *service, const char *region)
{
    const struct scripted_request *r = &script.requests[request];
    const char *authorization = script_header(request, "authorization");
    const char *date = script_header(request, "x-amz-date");
    assert_non_null(authorization);
    assert_non_null(date);
    struct sigv4_header headers[SCRIPT_HEADERS_MAX];
    struct sigv4_scope scope = {.region = region, .service = service};
    snprintf(scope.date, sizeof scope.date, "%s", date);
    const char *path = strchr(strstr(r->url, "://") + 3, '/');
    const char *query = strchr(path, '?');
    char hash[SIGV4_HEX_SIZE], signature[SIGV4_HEX_SIZE];
    sha256_hex(r->body, r->body_size, hash);
    struct sigv4_request signed_request = {
        .method = slice_of(r->method),
        .path = {path, query ? (size_t)(query - path) : strlen(path)},
        .query = slice_of(query ? query + 1 : NULL),
        .headers = headers,
        .payload_hash = hash,
        .normalise_path = strcmp(service, "s3") != 0};
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcmp(r->headers[i].name, "authorization") != 0)
            headers[signed_request.header_count++] =
                (struct sigv4_header){slice_of(r->headers[i].name), slice_of(r->headers[i].value)};
    }
    uint8_t key[SIGV4_KEY_SIZE];
    sigv4_signing_key(SECRET, &scope, key);
    assert_int_equal(sigv4_signature(&signed_request, &scope, key, signature), 0);
    assert_non_null(strstr(authorization, signature));
}

void script_assert_signed(size_t request, const char *service)
{
    script_assert_signed_for(request, service, script_options.region);
}
