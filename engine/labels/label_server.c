#include "label_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "json_text.h"
#include "label_reply.h"

struct server_call {
    struct label_request request;
    const struct labeler_settings *settings;
    struct http_exchange *exchange;
    labels_known *done;
    void *user;
};

static const struct label_members members = {
    .name = "name",
    .confidence = "confidence",
    .parents = "parents",
    .aliases = "aliases",
    .categories = "categories",
    .instances = "instances",
    .left = "left",
    .top = "top",
    .width = "width",
    .height = "height",
};

/* What the statuses mean is part of the documented format. Those that an operator can change must
 * not reject photos: a proxy says 413, for example. */
static int kind_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 408:
    case 504:
        return ERR_TIMEOUT;
    case 415:
    case 422: /* this image cannot be labelled */
        return ERR_UNSUPPORTED;
    case 429:
    case 503:
        return ERR_THROTTLED;
    default:
        return status >= 500 ? ERR_SERVER : ERR_REFUSED;
    }
}

/* A query may contain a secret. */
static void fail(const struct server_call *call, int code, const char *why, struct error *error)
{
    const char *url = call->settings->url;
    error_set(error, code, "the labeler %.*s: %s", (int)strcspn(url, "?"), url, why);
}

static void fail_status(const struct server_call *call, int status, struct error *error)
{
    char why[80];
    const char *note = status >= 300 && status < 400 ? "; redirects are not followed" : "";
    snprintf(why, sizeof why, "it responded with HTTP %d%s", status, note);
    fail(call, kind_of_status(status), why, error);
}

/* A response that is too long is not the image's fault. */
static void fail_transport(const struct server_call *call, const struct http_response *response,
                           struct error *error)
{
    bool is_long = response->error == ERR_LIMIT;
    fail(call, is_long ? ERR_PROTOCOL : response->error,
         is_long ? "its response is longer than max_response" : response->detail, error);
}

static void reply_read(const struct server_call *call, const struct http_response *response,
                       struct label_reply *out, struct error *error)
{
    const struct slice text = {response->body.data ? response->body.data : "", response->body.size};
    const char *flaw = "it is not a JSON object";
    json_t *root = json_text_read(text, JSON_REJECT_DUPLICATES, NULL);
    int code = json_is_object(root) ? label_reply_read(json_object_get(root, "labels"), &members,
                                                       call->settings, out, &flaw)
                                    : ERR_PROTOCOL;
    json_decref(root);
    if (!code)
        return;
    char why[160];
    snprintf(why, sizeof why, "its response is invalid: %s", flaw);
    fail(call, code, why, error);
}

static void on_response(const struct http_response *response, void *user)
{
    struct server_call *call = user;
    struct label_reply reply = {.details = NULL};
    struct error error = {0};
    if (response->error)
        fail_transport(call, response, &error);
    else if (response->status != 200)
        fail_status(call, response->status, &error);
    else
        reply_read(call, response, &reply, &error);
    call->done(&reply.labels, reply.details, &error, call->user);
    json_decref(reply.details);
    free(call);
}

static int send_request(struct label_server *server, const struct label_input *input,
                        struct server_call *call)
{
    char bearer[LABEL_TOKEN_MAX + sizeof "Bearer "];
    struct http_header headers[3] = {{"content-type", "image/jpeg"},
                                     {"accept", "application/json"}};
    size_t count = 2;
    if (input->settings->token) {
        snprintf(bearer, sizeof bearer, "Bearer %s", input->settings->token);
        headers[count++] = (struct http_header){"authorization", bearer};
    }
    const struct http_request http = {
        .method = "POST",
        .url = input->settings->url,
        .headers = headers,
        .header_count = count,
        .body = input->image.data,
        .body_size = input->image.size,
        .response_max = input->settings->response_max,
        .idle_timeout_ms = input->settings->timeout_ms,
        .total_timeout_ms = input->settings->timeout_ms,
    };
    int code = http_client_send(server->http, &http, on_response, call, &call->exchange);
    explicit_bzero(bearer, sizeof bearer);
    return code;
}

static int server_label(struct labeler *labeler, const struct label_input *input,
                        labels_known *done, void *user, struct label_request **out)
{
    struct label_server *server = container_of(labeler, struct label_server, labeler);
    struct server_call *call = calloc(1, sizeof *call);
    if (!call)
        return ERR_MEMORY;
    call->request.labeler = labeler;
    call->settings = input->settings;
    call->done = done;
    call->user = user;
    int code = send_request(server, input, call);
    if (code) {
        free(call);
        return code;
    }
    *out = &call->request;
    return 0;
}

static void server_cancel(struct label_request *request)
{
    struct server_call *call = container_of(request, struct server_call, request);
    http_exchange_cancel(call->exchange);
    free(call);
}

static const struct labeler_ops server_ops = {.label = server_label, .cancel = server_cancel};

void label_server_init(struct label_server *server, struct http_client *http)
{
    *server = (struct label_server){.labeler = {&server_ops}, .http = http};
}
