/*
 * The course of a request: its memory, its attempts and its completion. aws_judge.c says what a response
 * means, aws_retry.c whether another attempt follows.
 */
#include "aws_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_judge.h"
#include "aws_retry.h"
#include "aws_sign.h"
#include "container_of.h"
#include "hash.h"
#include "log.h"

/* --- memory --- */

/* Copies the text to *room and advances *room. */
static const char *text_place(char **room, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*room, text, size);
    *room += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* One allocation: the header array, followed by all strings of the call. */
static int texts_copy(struct aws_request *request, const struct aws_call *call)
{
    size_t size = call->header_count * sizeof(struct http_header) + text_size(call->resource) +
                  text_size(call->url) + text_size(call->mark) + text_size(call->region) +
                  text_size(call->bucket) + text_size(call->key);
    for (size_t i = 0; i < call->header_count; i++)
        size += text_size(call->headers[i].name) + text_size(call->headers[i].value);
    request->texts = malloc(size);
    if (!request->texts)
        return ERR_MEMORY;
    struct http_header *headers = request->texts;
    char *room = (char *)(headers + call->header_count);
    for (size_t i = 0; i < call->header_count; i++) {
        headers[i].name = text_place(&room, call->headers[i].name);
        headers[i].value = text_place(&room, call->headers[i].value);
    }
    request->call.headers = headers;
    request->call.resource = text_place(&room, call->resource);
    request->call.url = text_place(&room, call->url);
    request->call.mark = text_place(&room, call->mark);
    request->call.region = text_place(&room, call->region);
    request->call.bucket = text_place(&room, call->bucket);
    request->call.key = text_place(&room, call->key);
    return 0;
}

static void memory_free(struct aws_request *request)
{
    bytes_free(&request->call.body);
    free(request->texts);
    free(request->moved_url);
    free(request);
}

static void timer_closed(uv_handle_t *handle)
{
    memory_free(container_of((uv_timer_t *)handle, struct aws_request, timer));
}

static void request_free(struct aws_request *request)
{
    list_remove(&request->link);
    request->aws = NULL;
    if (request->timer_open)
        uv_close((uv_handle_t *)&request->timer, timer_closed);
    else
        memory_free(request);
}

/* --- completion --- */

static struct aws_subject subject_of(const struct aws_request *request)
{
    return (struct aws_subject){request->call.service, request->call.operation,
                                request->call.resource};
}

static void finish(struct aws_request *request, const struct aws_reply *reply)
{
    list_remove(&request->link); /* because the callback may destroy aws */
    bucket_region_confirm(request, reply->error.code);
    request->call.done(reply, request->call.user);
    request_free(request);
}

static void finish_locally(struct aws_request *request, int code, const char *detail)
{
    struct aws_reply reply = {.subject = subject_of(request)};
    aws_error_local(&reply.error, &reply.subject, code, detail);
    finish(request, &reply);
}

/* --- another attempt --- */

static int attempt(struct aws_request *request);

static void on_timer(uv_timer_t *timer)
{
    struct aws_request *request = container_of(timer, struct aws_request, timer);
    int code = attempt(request);
    if (code)
        finish_locally(request, code, NULL);
}

static int retry_later(struct aws_request *request, uint64_t delay)
{
    if (!request->timer_open) {
        if (uv_timer_init(request->aws->loop, &request->timer))
            return ERR_MEMORY;
        request->timer_open = true;
    }
    return uv_timer_start(&request->timer, on_timer, delay, 0) ? ERR_MEMORY : 0;
}

/* --- one attempt --- */

static struct request_count *count_of(const struct aws_request *request)
{
    return request_stats_of(&request->aws->stats, request->call.service, request->call.operation);
}

static void response_count(const struct aws_request *request, const struct aws_reply *reply)
{
    if (reply->error.code == ERR_THROTTLED)
        count_of(request)->throttled++;
    if (reply->error.code == 0)
        credential_chain_accept(request->aws->chain, request->generation);
}

static void on_response(const struct http_response *response, void *user)
{
    struct aws_request *request = user;
    request->exchange = NULL;
    struct aws_reply reply = {.subject = subject_of(request)};
    uint64_t delay = 0;
    aws_judge(request, response, &reply);
    response_count(request, &reply);
    if (aws_retry_wanted(request, response, &reply, &delay) && retry_later(request, delay) == 0) {
        log_debug("retrying a request", LOG_TEXT("operation", request->call.operation),
                  LOG_INT("attempt", request->attempts), LOG_INT("delay_ms", delay),
                  LOG_TEXT("error", reply.error.text));
    } else {
        finish(request, &reply);
    }
    json_decref(reply.object);
}

static int send_signed(struct aws_request *request, const struct aws_signed *signed_request)
{
    const struct aws_call *call = &request->call;
    const struct http_request http = {.method = call->method,
                                      .url = call->url,
                                      .headers = signed_request->headers,
                                      .header_count = signed_request->header_count,
                                      .class = call->class,
                                      .body = call->body.data,
                                      .body_size = call->body.size,
                                      .response_max = call->response_max,
                                      .idle_timeout_ms = call->timeout_ms,
                                      .total_timeout_ms = call->timeout_ms};
    return http_client_send(request->aws->http, &http, on_response, request, &request->exchange);
}

static const char *region_of(const struct aws_request *request)
{
    const struct aws *aws = request->aws;
    return request->call.region
               ? request->call.region
               : endpoint_region(&aws->endpoints, request->call.service, aws->region);
}

/* Each attempt is signed again, because the signature contains the date. */
static int attempt(struct aws_request *request)
{
    const struct aws *aws = request->aws;
    const struct aws_sign what = {.credentials = credential_chain_use(aws->chain),
                                  .service = request->call.service,
                                  .region = region_of(request),
                                  .method = request->call.method,
                                  .url = request->call.url,
                                  .headers = request->call.headers,
                                  .header_count = request->call.header_count,
                                  .payload_hash = request->payload_hash,
                                  .now_s = aws_service_now(aws),
                                  .trace = &request->trace};
    struct aws_signed signed_request;
    if (!what.credentials)
        return credential_chain_wait(aws->chain, &request->wait) ? ERR_THROTTLED : 0;
    request->generation = credential_chain_generation(aws->chain);
    request->attempts++;
    int code = aws_sign(&what, &signed_request);
    if (!code)
        code = send_signed(request, &signed_request);
    aws_signed_free(&signed_request);
    if (code)
        return code;
    struct request_count *count = count_of(request);
    count->requests++;
    count->retries += request->attempts > 1;
    return 0;
}

static void on_credentials(const struct error *error, void *user)
{
    struct aws_request *request = user;
    int code = error->code ? error->code : attempt(request);
    if (code)
        finish_locally(request, code, error->code ? error->text : NULL);
}

/* --- interface --- */

static struct aws_request *request_create(struct aws *aws, struct aws_call *call)
{
    struct aws_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->aws = aws;
    request->wait.done = on_credentials;
    request->wait.user = request;
    request->call = *call;
    request->call.body = bytes_take(&call->body);
    if (call->trace)
        request->trace = *call->trace;
    request->call.trace = NULL;
    list_init(&request->link);
    if (texts_copy(request, call)) {
        memory_free(request);
        return NULL;
    }
    if (call->response_max && call->response_max < AWS_RESPONSE_MAX)
        request->call.response_max = AWS_RESPONSE_MAX;
    if (call->unsigned_payload)
        snprintf(request->payload_hash, sizeof request->payload_hash, SIGV4_UNSIGNED_PAYLOAD);
    else
        sha256_hex(request->call.body.data, request->call.body.size, request->payload_hash);
    return request;
}

int aws_request_start(struct aws *aws, struct aws_call *call, struct aws_request **out)
{
    if (out)
        *out = NULL;
    struct aws_request *request = request_create(aws, call);
    bytes_free(&call->body); /* already moved, unless allocation failed */
    if (!request)
        return ERR_MEMORY;
    int code = attempt(request);
    if (code) {
        request_free(request);
        return code;
    }
    list_push(&aws->requests, &request->link);
    if (out)
        *out = request;
    return 0;
}

void aws_request_cancel(struct aws_request *request)
{
    if (request->exchange)
        http_exchange_cancel(request->exchange);
    credential_wait_cancel(&request->wait);
    if (request->call.release)
        request->call.release(request->call.user);
    request_free(request);
}
