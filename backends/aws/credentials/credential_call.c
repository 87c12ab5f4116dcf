#include "credential_call.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "jitter.h"
#include "secret.h"

struct credential_call {
    const struct credential_host *host;
    uv_timer_t timer;
    bool timer_open;
    struct http_exchange *exchange;
    struct credential_request request; /* with texts of its own */
    struct http_header headers[CREDENTIAL_CALL_HEADERS_MAX];
    char *url;
    unsigned attempts;
};

static int attempt(struct credential_call *call);

static void memory_free(struct credential_call *call)
{
    for (size_t i = 0; i < call->request.header_count; i++) {
        secret_free((char *)(uintptr_t)call->headers[i].name);
        secret_free((char *)(uintptr_t)call->headers[i].value);
    }
    secret_free(call->request.body);
    secret_free(call->url);
    free(call);
}

static void on_timer_closed(uv_handle_t *handle)
{
    memory_free(container_of((uv_timer_t *)handle, struct credential_call, timer));
}

static void call_free(struct credential_call *call)
{
    if (call->timer_open)
        uv_close((uv_handle_t *)&call->timer, on_timer_closed);
    else
        memory_free(call);
}

static void finish(struct credential_call *call, const struct http_response *response)
{
    struct bytes body = http_response_take_body(response);
    struct http_response copy = *response;
    copy.body = bytes_borrow(body.data, body.size);
    call->request.done(&copy, call->request.user);
    call_free(call);
    if (body.size)
        secret_wipe(body.data, body.size);
    bytes_free(&body);
}

static void on_timer(uv_timer_t *timer)
{
    struct credential_call *call = container_of(timer, struct credential_call, timer);
    int code = attempt(call);
    if (code)
        finish(call, &(struct http_response){.error = code, .detail = error_name(code)});
}

static bool retry_later(struct credential_call *call)
{
    if (!call->timer_open && uv_timer_init(call->host->loop, &call->timer))
        return false;
    call->timer_open = true;
    uint64_t delay =
        jitter_full(CREDENTIAL_CALL_RETRY_MS, CREDENTIAL_CALL_RETRY_CAP_MS, call->attempts - 1);
    return uv_timer_start(&call->timer, on_timer, delay, 0) == 0;
}

static bool is_transient(const struct http_response *response)
{
    return response->error || response->status == 429 || response->status >= 500;
}

static void on_response(const struct http_response *response, void *user)
{
    struct credential_call *call = user;
    call->exchange = NULL;
    if (is_transient(response) && call->attempts < call->request.attempts && retry_later(call))
        return;
    finish(call, response);
}

static int attempt(struct credential_call *call)
{
    const char *body = call->request.body;
    const struct http_request http = {.method = call->request.method,
                                      .url = call->url,
                                      .headers = call->headers,
                                      .header_count = call->request.header_count,
                                      .body = body,
                                      .body_size = body ? strlen(body) : 0,
                                      .response_max = CREDENTIAL_RESPONSE_MAX,
                                      .connect_timeout_ms = call->request.timeout_ms,
                                      .idle_timeout_ms = call->request.timeout_ms,
                                      .total_timeout_ms = call->request.timeout_ms};
    call->attempts++;
    return http_client_send(call->host->http, &http, on_response, call, &call->exchange);
}

static int texts_copy(struct credential_call *call, const struct credential_request *request)
{
    call->url = strdup(request->url);
    bool failed = !call->url;
    for (size_t i = 0; i < request->header_count; i++) {
        call->headers[i].name = strdup(request->headers[i].name);
        call->headers[i].value = strdup(request->headers[i].value);
        failed |= !call->headers[i].name || !call->headers[i].value;
    }
    return failed ? ERR_MEMORY : 0;
}

int credential_call_start(const struct credential_host *host,
                          const struct credential_request *request, struct credential_call **out)
{
    struct credential_call *call = calloc(1, sizeof *call);
    *out = NULL;
    if (!call) {
        secret_free(request->body);
        return ERR_MEMORY;
    }
    call->host = host;
    call->request = *request;
    int code = texts_copy(call, request);
    if (!code)
        code = attempt(call);
    if (code) {
        memory_free(call);
        return code;
    }
    *out = call;
    return 0;
}

void credential_call_cancel(struct credential_call *call)
{
    if (call->exchange)
        http_exchange_cancel(call->exchange);
    call_free(call);
}

struct slice credential_response_body(const struct http_response *response)
{
    return (struct slice){response->body.size ? response->body.data : "", response->body.size};
}

int credential_response_error(const struct http_response *response, int refused, const char *who,
                              struct error *error)
{
    if (response->error)
        return error_set(error, response->error, "%s: %s", who, response->detail);
    int code = response->status == 429   ? ERR_THROTTLED
               : response->status >= 500 ? ERR_SERVER
                                         : refused;
    return error_set(error, code, "%s: HTTP %d", who, response->status);
}
