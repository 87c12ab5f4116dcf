#include "gate_private.h"

#include <stdlib.h>

#include "metric_text.h"

enum {
    CONNECTIONS = 512,
    HEADER_MAX = 16 * 1024,
    BODY_LIMIT = 64 * 1024, /* of a connection; a handler collects less */
    IDLE_MS = 10000,        /* for a slow client */
    RETRY_S = 5,            /* after the end of the grace, another gate may serve */
};

/* ---- at start ---- */

static struct gate_place place_at(struct gate *gate, size_t index, bool **located)
{
    if (gate->options.uploads && index-- == 0) {
        *located = &gate->uploads_located;
        return *gate->options.uploads;
    }
    *located = &gate->downloads_located[index];
    return gate->options.downloads[index];
}

static size_t place_count(const struct gate *gate)
{
    return gate->options.download_count + (gate->options.uploads != NULL);
}

static void on_place_located(const struct error *error, void *user)
{
    struct gate *gate = user;
    struct error none = {0};
    bool *located;
    gate->locating = NULL;
    place_at(gate, gate->next_place++, &located);
    if (!error->code)
        *located = true;
    if (error->code || gate->next_place == place_count(gate)) {
        gate->located(error->code ? error : &none, gate->located_user);
        return;
    }
    const int code = gate_locate(gate, gate->located, gate->located_user);
    if (code) {
        error_set(&none, code, "a bucket can't be looked for (%s)", error_name(code));
        gate->located(&none, gate->located_user);
    }
}

int gate_locate(struct gate *gate, object_done *done, void *user)
{
    struct object_store *store = gate->options.store;
    bool *located;
    const struct gate_place place = place_at(gate, gate->next_place, &located);
    gate->located = done;
    gate->located_user = user;
    return store->ops->locate(store, place.bucket, on_place_located, gate, &gate->locating);
}

/* ---- requests ---- */

static void shut(struct gate *gate);

static void on_call_ended(struct http_call *http, bool completed, void *user)
{
    struct gate_call *call = user;
    struct gate *gate = call->gate;
    (void)http;
    (void)completed;
    if (call->locating)
        gate->options.store->ops->cancel(call->locating);
    list_remove(&call->link);
    free(call);
    if (gate->draining && list_empty(&gate->calls))
        shut(gate);
}

static void respond_health(struct gate_call *call, bool ready)
{
    struct buffer reasons;
    const struct gate *gate = call->gate;
    bool well = true;
    buffer_init(&reasons, 4096);
    if (ready)
        well = !gate->draining && gate->options.ready(&reasons, gate->options.user);
    buffer_free(&reasons);
    gate_respond(call, well ? 200 : 503, json_pack("{s:b}", "ok", well), NULL, 0);
}

/* A preflight (Fetch Standard, "CORS-preflight request"). */
static void respond_preflight(struct gate_call *call)
{
    struct http_header headers[GATE_HEADERS_MAX] = {
        {"Access-Control-Allow-Methods", "GET, POST"},
        {"Access-Control-Allow-Headers", "Authorization, Content-Type, Accept"},
        {"Access-Control-Max-Age", "7200"}};
    char *echo = NULL;
    struct bytes nothing = {0};
    if (!gate_cors_allows(call)) {
        gate_refuse(call, GATE_RESULT_FORBIDDEN, 403, "origin_not_allowed",
                    "pages of this origin may not call the gate; its operator allows origins with "
                    "--cors-origin");
        return;
    }
    const size_t count = 3 + gate_cors_headers(call, headers + 3, &echo);
    http_call_respond(call->http, 204, headers, count, &nothing);
    free(echo);
}

static const struct gate_route {
    const char *path, *method;
    bool is_start; /* the path only begins so */
    void (*handle)(struct gate_call *call);
} routes[] = {
    {"/uploads", "POST", false, gate_upload},
    {"/downloads/", "GET", true, gate_download},
};

static const struct gate_route *route_find(const struct gate *gate, struct slice path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const bool offered = i ? gate->options.download_count > 0 : gate->options.uploads != NULL;
        if (offered && (routes[i].is_start ? slice_starts_with(path, routes[i].path)
                                           : slice_equal_text(path, routes[i].path)))
            return &routes[i];
    }
    return NULL;
}

static void refuse_method(struct gate_call *call, const struct gate_route *route)
{
    const struct http_header allow[] = {{"Allow", route->method}};
    call->gate->results[GATE_RESULT_INVALID]++;
    gate_respond(call, 405,
                 json_pack("{s:{s:s, s:s}}", "error", "code", "method_not_allowed", "message",
                           "this path has another method, see Allow"),
                 allow, 1);
}

static void call_route(struct gate_call *call)
{
    const struct slice method = http_call_method(call->http), path = http_call_path(call->http);
    const struct gate_route *route = route_find(call->gate, path);
    if (slice_equal_text(path, "/livez") || slice_equal_text(path, "/readyz"))
        respond_health(call, slice_equal_text(path, "/readyz"));
    else if (call->gate->draining)
        gate_refuse_for(call, GATE_RESULT_UNAVAILABLE, 503, "stopping", RETRY_S,
                        "the gate is about to stop; try again later");
    else if (!route)
        gate_refuse(call, GATE_RESULT_NOT_FOUND, 404, "not_found", "there is nothing at this path");
    else if (slice_equal_text(method, "OPTIONS"))
        respond_preflight(call);
    else if (!slice_equal_text(method, route->method))
        refuse_method(call, route);
    else
        route->handle(call);
}

static void on_request(struct http_call *http, void *user)
{
    struct gate *gate = user;
    struct gate_call *call = calloc(1, sizeof *call);
    if (!call) {
        http_call_abort(http);
        return;
    }
    call->gate = gate;
    call->http = http;
    list_push(&gate->calls, &call->link);
    http_call_on_end(http, on_call_ended, call);
    call_route(call);
}

/* ---- the end ---- */

static void part_closed(struct gate *gate)
{
    void (*closed)(void *user) = gate->closed;
    void *user = gate->closed_user;
    if (--gate->parts)
        return;
    free(gate);
    closed(user);
}

static void on_server_closed(void *user)
{
    part_closed(user);
}

static void on_file_closed(void *user)
{
    part_closed(user);
}

static void on_grace_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

static void shut(struct gate *gate)
{
    if (gate->shut)
        return;
    gate->shut = true;
    http_server_close(gate->server, on_server_closed, gate);
    gate_token_file_close(&gate->file, on_file_closed, gate);
    uv_close((uv_handle_t *)&gate->grace, on_grace_closed);
}

static void on_grace(uv_timer_t *timer)
{
    shut(timer->data);
}

void gate_close(struct gate *gate, unsigned grace_ms, void (*closed)(void *user), void *user)
{
    gate->draining = true;
    gate->closed = closed;
    gate->closed_user = user;
    if (gate->locating)
        gate->options.store->ops->cancel(gate->locating);
    gate->locating = NULL;
    if (list_empty(&gate->calls) || !grace_ms)
        shut(gate);
    else
        uv_timer_start(&gate->grace, on_grace, grace_ms, 0);
}

/* ---- the start ---- */

int gate_open(uv_loop_t *loop, const struct gate_options *options, struct gate **out,
              struct error *error)
{
    struct gate *gate = calloc(1, sizeof *gate);
    *out = NULL;
    if (!gate)
        return error_set(error, ERR_MEMORY, "out of memory");
    gate->loop = loop;
    gate->options = *options;
    gate->parts = 3;
    list_init(&gate->calls);
    const struct http_server_options server = {.host = options->host,
                                               .port = options->port,
                                               .header_max = HEADER_MAX,
                                               .body_max = BODY_LIMIT,
                                               .idle_ms = IDLE_MS,
                                               .connections = CONNECTIONS,
                                               .tls = options->tls,
                                               .on_request = on_request,
                                               .user = gate};
    int code = gate_token_file_read(&gate->file, options->tokens, error);
    if (!code)
        code = http_server_start(loop, &server, &gate->server, error);
    if (code) {
        gate_tokens_free(&gate->file.tokens);
        free(gate);
        return code;
    }
    uv_timer_init(loop, &gate->grace);
    gate->grace.data = gate;
    gate_token_file_watch(&gate->file, loop);
    *out = gate;
    return 0;
}

unsigned gate_port(const struct gate *gate)
{
    return http_server_port(gate->server);
}

void gate_write_metrics(const struct gate *gate, struct buffer *out)
{
    static const char *const names[GATE_RESULTS] = {
        [GATE_RESULT_UPLOAD] = "upload",
        [GATE_RESULT_DOWNLOAD] = "download",
        [GATE_RESULT_UNAUTHORIZED] = "unauthorized",
        [GATE_RESULT_FORBIDDEN] = "forbidden",
        [GATE_RESULT_NOT_FOUND] = "not_found",
        [GATE_RESULT_LIMITED] = "limited",
        [GATE_RESULT_INVALID] = "invalid",
        [GATE_RESULT_UNAVAILABLE] = "unavailable",
    };
    static const char family[] = "thumbwheel_gate_requests_total";
    metric_family(out, METRIC_COUNTER, family, "Requests to the gate, by result.");
    for (size_t i = 0; i < GATE_RESULTS; i++)
        metric_sample(out, family, &(struct metric_label){"result", names[i]}, 1,
                      gate ? (double)gate->results[i] : 0);
}
