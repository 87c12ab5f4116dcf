#include "gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gallery_cookie.h"
#include "gallery_guard.h"
#include "gallery_private.h"
#include "gallery_routes.h"
#include "secret.h"

enum {
    CONNECTIONS = 512,
    HEADER_MAX = 32 * 1024,
    BODY_LIMIT = 2 * GALLERY_BODY_MAX, /* of a connection; a handler collects less */
    IDLE_MS = 30000,
    RETRY_S = 5, /* after the end of the grace, another gallery may serve */
};

/* ---- requests ---- */

static void shut(struct gallery *gallery);

static void on_call_ended(struct http_call *http, bool completed, void *user)
{
    struct gallery_call *call = user;
    struct gallery *gallery = call->gallery;
    (void)http;
    if (call->ended)
        call->ended(call, completed);
    list_remove(&call->link);
    gallery_request_clear(call);
    free(call);
    if (gallery->draining && list_empty(&gallery->calls))
        shut(gallery);
}

static void on_body(struct http_call *http, struct bytes *body, void *user)
{
    struct gallery_call *call = user;
    (void)http;
    if (gallery_request_read_body(call, (struct slice){body->data, body->size}))
        call->route->handle(call);
}

static void call_handler(struct gallery_call *call)
{
    const struct slice method = http_call_method(call->http);
    const bool reads = slice_equal_text(method, "GET") || slice_equal_text(method, "HEAD");
    if (!(reads ? guard_fetch(call) : guard_origin(call)))
        return;
    if (!(call->route->flags & ROUTE_PUBLIC) && !guard_session(call))
        return;
    if (!gallery_request_read(call, call->route->pattern))
        return;
    if (reads)
        call->route->handle(call);
    else
        http_call_collect(call->http, GALLERY_BODY_MAX, on_body, call);
}

static bool serve_page(struct gallery_call *call)
{
    const struct slice method = http_call_method(call->http), path = http_call_path(call->http);
    if (!slice_equal_text(method, "GET") && !slice_equal_text(method, "HEAD"))
        return false;
    if (slice_equal_text(path, "/"))
        gallery_policy_renew(call->gallery);
    return gallery_page_serve(call, path);
}

static void refuse_method(struct gallery_call *call, const char *allow)
{
    struct bytes nothing = {0};
    const struct http_header headers[] = {{"Allow", allow}, {"Cache-Control", "no-store"}};
    gallery_respond(call, 405, headers, 2, &nothing);
}

static void call_route(struct gallery_call *call)
{
    const char *allow;
    if (!guard_host(call))
        return;
    if (call->gallery->draining) {
        gallery_refuse_for(call, 503, "stopping", RETRY_S,
                           "the gallery is about to stop; try again later");
        return;
    }
    call->route =
        gallery_route_find(http_call_method(call->http), http_call_path(call->http), &allow);
    if (call->route)
        call_handler(call);
    else if (allow)
        refuse_method(call, allow);
    else if (!serve_page(call))
        gallery_refuse(call, 404, "not_found", "there is nothing at this path");
}

static void on_request(struct http_call *http, void *user)
{
    struct gallery *gallery = user;
    struct gallery_call *call = calloc(1, sizeof *call);
    if (!call) {
        http_call_abort(http);
        return;
    }
    call->gallery = gallery;
    call->http = http;
    list_push(&gallery->calls, &call->link);
    http_call_on_end(http, on_call_ended, call);
    call_route(call);
}

/* ---- the end ---- */

static void pipelines_release(struct pipeline **pipelines, size_t count,
                              const struct pipeline_ops *ops)
{
    for (size_t i = 0; i < count; i++)
        ops->release(pipelines[i]);
    free(pipelines);
}

static void gallery_free(struct gallery *gallery)
{
    pipelines_release(gallery->pipelines, gallery->pipeline_count, gallery->options.pipeline_ops);
    free(gallery->policy);
    secret_wipe(gallery->session_key, sizeof gallery->session_key);
    free(gallery);
}

static void on_all_closed(struct gallery *gallery)
{
    void (*closed)(void *user) = gallery->closed;
    void *user = gallery->closed_user;
    gallery_free(gallery);
    if (closed)
        closed(user);
}

/* All requests have ended: the parts are not used any more. */
static void on_server_closed(void *user)
{
    gallery_parts_close(user);
    gallery_part_closed(user);
}

static void on_grace_closed(uv_handle_t *handle)
{
    gallery_part_closed(handle->data);
}

static void shut(struct gallery *gallery)
{
    if (gallery->shut)
        return;
    gallery->shut = true;
    http_server_close(gallery->server, on_server_closed, gallery);
    uv_close((uv_handle_t *)&gallery->grace, on_grace_closed);
}

static void on_grace(uv_timer_t *timer)
{
    shut(timer->data);
}

void gallery_close(struct gallery *gallery, unsigned grace_ms, void (*closed)(void *user),
                   void *user)
{
    gallery->draining = true;
    gallery->closed = closed;
    gallery->closed_user = user;
    gallery_parts_drain(gallery);
    if (list_empty(&gallery->calls) || !grace_ms)
        shut(gallery);
    else
        uv_timer_start(&gallery->grace, on_grace, grace_ms, 0);
}

/* ---- pipelines ---- */

static int pipelines_retain(const struct pipeline_ops *ops, struct pipeline *const *pipelines,
                            size_t count, struct pipeline ***out)
{
    *out = calloc(count ? count : 1, sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        (*out)[i] = ops->retain(pipelines[i]);
    return 0;
}

int gallery_reload(struct gallery *gallery, struct pipeline *const *pipelines, size_t count)
{
    const struct pipeline_ops *ops = gallery->options.pipeline_ops;
    struct pipeline **old = gallery->pipelines;
    const size_t old_count = gallery->pipeline_count;
    const int code = pipelines_retain(ops, pipelines, count, &gallery->pipelines);
    if (code) {
        gallery->pipelines = old;
        return code;
    }
    gallery->pipeline_count = count;
    gallery_places_make(gallery);
    gallery_policy_renew(gallery);
    gallery_parts_reload(gallery);
    pipelines_release(old, old_count, ops);
    return 0;
}

/* ---- the start ---- */

static int listen_at(struct gallery *gallery, struct error *error)
{
    const struct gallery_options *options = &gallery->options;
    struct http_server_options server = {.host = options->host,
                                         .port = options->port,
                                         .header_max = HEADER_MAX,
                                         .body_max = BODY_LIMIT,
                                         .idle_ms = IDLE_MS,
                                         .connections = CONNECTIONS,
                                         .tls = options->tls,
                                         .on_request = on_request,
                                         .user = gallery};
    int code = http_server_start(gallery->loop, &server, &gallery->server, error);
    for (unsigned i = 1; code == ERR_BUSY && options->next_port && i <= GALLERY_PORTS_TRIED; i++) {
        server.port = i == GALLERY_PORTS_TRIED ? 0 : server.port + 1;
        code = http_server_start(gallery->loop, &server, &gallery->server, error);
    }
    return code;
}

/* After listening: the port is part of the cookie's name. */
static int open_rest(struct gallery *gallery, struct error *error)
{
    int code = gallery_cookie_open(gallery, error);
    if (code)
        return code;
    code = pipelines_retain(gallery->options.pipeline_ops, gallery->options.pipelines,
                            gallery->options.pipeline_count, &gallery->pipelines);
    if (code)
        return error_set(error, code, "out of memory");
    gallery->pipeline_count = gallery->options.pipeline_count;
    for (size_t i = 0; i < gallery->pipeline_count && !gallery->can_save; i++)
        gallery->can_save = gallery_pipeline_is_writable(
            gallery->options.pipeline_ops->facts(gallery->pipelines[i])->file);
    gallery_places_make(gallery);
    gallery_policy_renew(gallery);
    return gallery_parts_open(gallery, error);
}

int gallery_open(uv_loop_t *loop, const struct gallery_options *options, struct gallery **out,
                 struct error *error)
{
    struct gallery *gallery = calloc(1, sizeof *gallery);
    *out = NULL;
    if (!gallery)
        return error_set(error, ERR_MEMORY, "out of memory");
    gallery->loop = loop;
    gallery->options = *options;
    gallery->all_closed = on_all_closed;
    list_init(&gallery->calls);
    int code = listen_at(gallery, error);
    if (code) {
        free(gallery);
        return code;
    }
    uv_timer_init(loop, &gallery->grace);
    gallery->grace.data = gallery;
    gallery->open = 2; /* server and timer */
    code = open_rest(gallery, error);
    if (code)
        gallery_close(gallery, 0, NULL, NULL);
    else
        *out = gallery;
    return code;
}

unsigned gallery_port(const struct gallery *gallery)
{
    return http_server_port(gallery->server);
}

/* ---- the link ---- */

/* An address of this machine that reaches what listens at host. */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "localhost" : host;
}

char *gallery_link(struct gallery *gallery)
{
    char token[LINK_TOKEN_SIZE];
    const char *host = reachable(gallery->options.host);
    const bool bracketed = strchr(host, ':') != NULL;
    struct buffer url;
    if (gallery_links_add(&gallery->links, GALLERY_OWNER, GALLERY_OWNER, 0, token))
        return NULL;
    buffer_init(&url, 1024);
    buffer_format(&url, "%s://%s%s%s:%u/#token=%s", gallery->options.tls ? "https" : "http",
                  bracketed ? "[" : "", host, bracketed ? "]" : "", gallery_port(gallery), token);
    secret_wipe(token, sizeof token);
    return buffer_take_text(&url);
}
