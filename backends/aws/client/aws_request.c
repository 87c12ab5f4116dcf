#include "aws_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws_sign.h"
#include "aws_validity.h"
#include "container_of.h"
#include "hash.h"
#include "http_date.h"
#include "jitter.h"
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

/* --- retries --- */

static int64_t service_now(const struct aws *aws)
{
    return (int64_t)time(NULL) + aws->clock_offset_s;
}

static bool is_transient(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_PROTOCOL;
}

/* Retry-After in seconds. AWS does not use its other form, a date. */
static uint64_t delay_ms(const struct aws_request *request, const struct http_response *response)
{
    uint64_t delay = jitter_full(AWS_RETRY_BASE_MS, AWS_RETRY_CAP_MS, request->attempts - 1);
    const char *after = response->error ? NULL : http_response_header(response, "retry-after");
    if (after && after[0] >= '0' && after[0] <= '9') {
        uint64_t asked = strtoull(after, NULL, 10);
        asked = asked > AWS_RETRY_AFTER_MAX_MS / 1000 ? AWS_RETRY_AFTER_MAX_MS : asked * 1000;
        if (asked > delay)
            delay = asked;
    }
    return delay;
}

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

/* True if signing again makes sense: our clock differs from the service's, or the request arrived
 * too late. */
static bool clock_correct(struct aws_request *request, const struct http_response *response,
                          bool late)
{
    const char *date = http_response_header(response, "date");
    int64_t theirs = 0;
    if (request->clock_corrected || !date || http_date_parse(date, &theirs))
        return false;
    int64_t difference = theirs - service_now(request->aws);
    bool agree = difference > -60 && difference < 60;
    if (agree && !late)
        return false;
    request->clock_corrected = true;
    if (agree)
        return true;
    request->aws->clock_offset_s += difference;
    log_warn("clock differs from that of the service",
             LOG_TEXT("service", aws_service_name(request->call.service)),
             LOG_INT("seconds", request->aws->clock_offset_s));
    return true;
}

/* --- one attempt --- */

static bool is_success(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

/* A too large response to GetObject means a too large object; to any other operation it cannot come
 * from the service. */
static int transport_code(const struct aws_request *request, const struct http_response *response)
{
    bool is_object = strcmp(request->call.operation, "GetObject") == 0 && is_success(response) &&
                     http_response_header(response, "etag");
    bool is_other = aws_response_is_other(response, request->call.mark);
    return response->error == ERR_LIMIT && (!is_object || is_other) ? ERR_PROTOCOL
                                                                    : response->error;
}

/* Stores write the key in an error differently: with the bucket or a slash before it, or
 * percent-encoded (not compared). The resource is "s3://bucket/key". */
static bool names_another(const struct aws_call *call, const char *key)
{
    size_t theirs = strlen(key), all = strlen(call->resource);
    if (!theirs || !call->key || strchr(key, '%'))
        return false;
    return theirs < strlen(call->key) || theirs > all ||
           memcmp(call->resource + all - theirs, key, theirs) != 0;
}

/* A 404 from S3 says what is missing; one from a gateway is about a page. Only HEAD has no body.
 * NULL: the response is from the service. */
static const char *foreign_404(const struct aws_request *request,
                               const struct http_response *response, const struct aws_fault *fault)
{
    if (response->status != 404 || strcmp(request->call.method, "GET") != 0)
        return NULL;
    if (!fault->code[0])
        return "HTTP 404 without an S3 error: check for a proxy or gateway in between";
    if (names_another(&request->call, fault->key))
        return "HTTP 404 for another key: check for a proxy or gateway in between";
    return NULL;
}

static const char *header_sent(const struct aws_request *request, const char *name)
{
    for (size_t i = 0; i < request->call.header_count; i++) {
        if (strcasecmp(request->call.headers[i].name, name) == 0)
            return request->call.headers[i].value;
    }
    return NULL;
}

static void judge_success(const struct aws_request *request, const struct http_response *response,
                          struct aws_reply *reply)
{
    const struct aws_expected expected = {.operation = request->call.operation,
                                          .content_md5 = header_sent(request, "content-md5"),
                                          .mark = request->call.mark};
    const char *flaw = aws_response_flaw(&expected, response, &reply->object);
    char detail[160];
    if (!flaw)
        return;
    snprintf(detail, sizeof detail,
             "the response (HTTP %d) is not from the service: %s; check for a proxy or gateway in "
             "between",
             response->status, flaw);
    aws_error_local(&reply->error, &reply->subject, ERR_PROTOCOL, detail);
}

static void judge(const struct aws_request *request, const struct http_response *response,
                  struct aws_reply *reply)
{
    reply->subject = subject_of(request);
    if (response->error) {
        aws_error_local(&reply->error, &reply->subject, transport_code(request, response),
                        response->detail);
        return;
    }
    reply->response = response;
    if (is_success(response)) {
        judge_success(request, response, reply);
        return;
    }
    aws_fault_read(request->call.service, response, &reply->fault);
    const char *foreign = foreign_404(request, response, &reply->fault);
    if (foreign) {
        aws_error_local(&reply->error, &reply->subject, ERR_PROTOCOL, foreign);
        return;
    }
    int kind = aws_fault_kind(request->call.service, response->status, &reply->fault);
    aws_error_describe(&reply->error, &reply->subject, kind, response, &reply->fault);
}

/* For some seconds SQS and SNS may not find a resource that they have just created, and S3 rejects
 * a notification target whose policy has not propagated. */
static bool is_settling(const struct aws_request *request, const struct aws_reply *reply)
{
    return request->call.settling && request->attempts < AWS_SETTLE_ATTEMPTS_MAX &&
           (reply->error.code == ERR_NO_CONTAINER ||
            strcmp(reply->fault.code, "InvalidArgument") == 0 ||
            strcasestr(reply->fault.message, "target does not exist") ||
            strcmp(reply->fault.code, "OperationAborted") == 0);
}

/* Whether new keys may arrive soon. A refused request had no effect, so repeating it is safe. A
 * plain "access denied" may be caused by the keys too (HEAD gives no details), but rarely is. */
static bool keys_refused(struct aws_request *request, int code)
{
    struct credential_chain *chain = request->aws->chain;
    bool refused = code == ERR_EXPIRED || code == ERR_CREDENTIALS;
    if (refused)
        credential_chain_reject(chain, request->generation);
    else if (code == ERR_DENIED)
        credential_chain_doubt(chain);
    return refused && credential_chain_renews(chain) && request->renewals++ < AWS_RENEWALS_MAX;
}

/* Whether the call is retried, and after how many milliseconds. */
static bool wants_retry(struct aws_request *request, const struct http_response *response,
                        const struct aws_reply *reply, uint64_t *delay)
{
    *delay = 0;
    if (reply->error.code == 0)
        return false;
    if (reply->response && aws_fault_is_clock(&reply->fault) &&
        clock_correct(request, response, strcmp(reply->fault.code, "RequestTimeTooSkewed") == 0))
        return true;
    if (reply->response && bucket_region_follow(request, response))
        return true;
    if (keys_refused(request, reply->error.code)) {
        /* The first time, a refresh follows at once. */
        *delay = request->renewals > 1 ? AWS_RENEWAL_RETRY_MS : 0;
        return true;
    }
    if (is_settling(request, reply)) {
        *delay = AWS_SETTLE_DELAY_MS;
        return true;
    }
    *delay = delay_ms(request, response);
    return is_transient(reply->error.code) && !request->call.once &&
           request->attempts < AWS_ATTEMPTS_MAX;
}

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
    struct aws_reply reply = {0};
    uint64_t delay = 0;
    judge(request, response, &reply);
    response_count(request, &reply);
    if (wants_retry(request, response, &reply, &delay) && retry_later(request, delay) == 0) {
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
                                  .now_s = service_now(aws),
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
