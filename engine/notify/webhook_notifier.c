#include "webhook_notifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container_of.h"
#include "secret_file.h"
#include "webhook_signature.h"

enum { HEADERS_MAX = 5, SIGNATURE_MAX = 1024 };

#define FROM_ENVIRONMENT "env:"
#define FROM_FILE        "file:"

struct webhook_request {
    struct notify_request seam;
    struct list link; /* in webhooks->requests */
    struct webhook_notifier *webhooks;
    uv_timer_t turn; /* reports what is known at once from a new loop callback */
    struct secret_read *read;
    struct http_exchange *exchange;
    char *url, *id;
    struct bytes body;
    char traceparent[TRACE_PARENT_SIZE];
    struct error error;
};

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct webhook_request *request = container_of(handle, struct webhook_request, turn);
    free(request->url);
    free(request->id);
    bytes_free(&request->body);
    free(request);
}

static void request_end(struct webhook_request *request)
{
    list_remove(&request->link);
    uv_close((uv_handle_t *)&request->turn, on_closed);
}

static void request_cancel(struct webhook_request *request)
{
    if (request->read)
        secret_read_cancel(request->read);
    if (request->exchange)
        http_exchange_cancel(request->exchange);
    request_end(request);
}

static void webhook_cancel(struct notify_request *seam)
{
    request_cancel(container_of(seam, struct webhook_request, seam));
}

static void request_report(struct webhook_request *request)
{
    request->seam.done(&request->error, request->seam.user);
    request_end(request);
}

static void on_turn(uv_timer_t *turn)
{
    request_report(container_of(turn, struct webhook_request, turn));
}

/* ---- the response ---- */

/* No response may reject a photo whose outputs are stored: its operator can correct the URL, the
 * secret and the receiver. */
static int code_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_NO_CONTAINER;
    case 408:
        return ERR_TIMEOUT;
    case 429:
        return ERR_THROTTLED;
    default:
        return status >= 500 ? ERR_SERVER : ERR_REFUSED;
    }
}

/* A receiver that has accepted the notification may say as much as it likes. */
static bool is_accepted(const struct http_response *response)
{
    return response->status / 100 == 2 && (!response->error || response->error == ERR_LIMIT);
}

static void on_response(const struct http_response *response, void *user)
{
    struct webhook_request *request = user;
    struct error *error = &request->error;
    request->exchange = NULL;
    if (response->error && !is_accepted(response))
        error_set(error, response->error == ERR_LIMIT ? ERR_PROTOCOL : response->error, "%s",
                  response->detail);
    else if (response->status / 100 == 3)
        error_set(error, ERR_REFUSED,
                  "the receiver redirects (HTTP %d), which is not followed; name the final URL in "
                  "the pipeline file",
                  response->status);
    else if (!is_accepted(response))
        error_set(error, code_of_status(response->status), "the receiver responded with HTTP %d",
                  response->status);
    request_report(request);
}

/* ---- the request ---- */

static int post(struct webhook_request *request, const char *timestamp, const char *signature)
{
    struct http_header headers[HEADERS_MAX] = {{"content-type", "application/json"},
                                               {"webhook-id", request->id},
                                               {"webhook-timestamp", timestamp},
                                               {"webhook-signature", signature}};
    size_t count = HEADERS_MAX - 1;
    if (request->traceparent[0])
        headers[count++] = (struct http_header){"traceparent", request->traceparent};
    const struct http_request post = {.method = "POST",
                                      .url = request->url,
                                      .headers = headers,
                                      .header_count = count,
                                      .body = request->body.data,
                                      .body_size = request->body.size,
                                      .response_max = WEBHOOK_RESPONSE_MAX,
                                      .idle_timeout_ms = WEBHOOK_TIMEOUT_MS,
                                      .total_timeout_ms = WEBHOOK_TIMEOUT_MS};
    int code =
        http_client_send(request->webhooks->http, &post, on_response, request, &request->exchange);
    return code ? error_set(&request->error, code,
                            code == ERR_INVALID ? "the URL is not valid" : "out of memory")
                : 0;
}

static int sign_and_post(struct webhook_request *request, const char *secret)
{
    char timestamp[24];
    struct buffer signature;
    buffer_init(&signature, SIGNATURE_MAX);
    snprintf(timestamp, sizeof timestamp, "%" PRId64, (int64_t)time(NULL));
    int code = webhook_sign(secret, request->id, timestamp,
                            (struct slice){request->body.data, request->body.size}, &signature,
                            &request->error);
    if (!code)
        code = post(request, timestamp, signature.data);
    buffer_free(&signature);
    return code;
}

static void on_secret(char *text, const struct error *error, void *user)
{
    struct webhook_request *request = user;
    request->read = NULL;
    request->error = *error;
    int code = error->code;
    if (code && code != ERR_MEMORY)
        request->error.code = ERR_CREDENTIALS; /* whatever is wrong with the file */
    if (!code)
        code = sign_and_post(request, text);
    if (code)
        request_report(request);
}

/* What fails here is reported from a new loop callback. */
static void begin(struct webhook_request *request, const char *secret)
{
    struct error *error = &request->error;
    if (slice_starts_with(slice_of(secret), FROM_FILE)) {
        secret_read_start(request->webhooks->loop, secret + strlen(FROM_FILE), on_secret, request,
                          &request->read, error);
    } else {
        const char *name = secret + strlen(FROM_ENVIRONMENT), *value = getenv(name);
        if (!value)
            error_set(error, ERR_CREDENTIALS, "the environment variable %s is not set", name);
        else
            sign_and_post(request, value);
    }
    if (error->code)
        uv_timer_start(&request->turn, on_turn, 0, 0);
}

static int webhook_send(struct notifier *notifier, const struct notify_message *what,
                        notified *done, void *user, struct notify_request **out)
{
    struct webhook_notifier *webhooks = container_of(notifier, struct webhook_notifier, notifier);
    struct webhook_request *request = calloc(1, sizeof *request);
    if (!request)
        return ERR_MEMORY;
    request->url = strdup(what->target);
    request->id = strdup(what->id);
    request->body = bytes_give(slice_dup(what->document), what->document.size);
    if (!request->url || !request->id || !request->body.data) {
        free(request->url);
        free(request->id);
        bytes_free(&request->body);
        free(request);
        return ERR_MEMORY;
    }
    if (what->trace && trace_context_known(what->trace))
        trace_context_traceparent(what->trace, request->traceparent);
    request->webhooks = webhooks;
    request->seam = (struct notify_request){done, user};
    uv_timer_init(webhooks->loop, &request->turn);
    list_push(&webhooks->requests, &request->link);
    *out = &request->seam;
    begin(request, what->secret);
    return 0;
}

void webhook_notifier_init(struct webhook_notifier *webhooks, uv_loop_t *loop,
                           struct http_client *http)
{
    static const struct notifier_ops ops = {.send = webhook_send, .cancel = webhook_cancel};
    webhooks->notifier.ops = &ops;
    webhooks->loop = loop;
    webhooks->http = http;
    list_init(&webhooks->requests);
}

void webhook_notifier_close(struct webhook_notifier *webhooks)
{
    while (!list_empty(&webhooks->requests))
        request_cancel(container_of(webhooks->requests.next, struct webhook_request, link));
}
