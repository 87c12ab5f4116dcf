#include "monitor.h"

#include <stdlib.h>

#include "http_server.h"
#include "metric_text.h"

enum {
    CONNECTIONS = 32, /* a few scrapers and probes */
    HEADER_MAX = 8 * 1024,
    IDLE_MS = 60000,
};

struct monitor {
    struct monitor_options options;
    struct http_server *server;
    void (*closed)(void *user);
    void *closed_user;
};

struct page {
    const char *path, *content_type;
    int (*make)(struct monitor *monitor, struct buffer *out); /* the HTTP status */
};

static int make_metrics(struct monitor *monitor, struct buffer *out)
{
    monitor->options.metrics(out, monitor->options.user);
    return 200;
}

static int make_probe(bool (*probe)(struct buffer *reasons, void *user), void *user,
                      struct buffer *out)
{
    if (!probe(out, user))
        return 503;
    buffer_text(out, "ok\n");
    return 200;
}

static int make_alive(struct monitor *monitor, struct buffer *out)
{
    return make_probe(monitor->options.alive, monitor->options.user, out);
}

static int make_ready(struct monitor *monitor, struct buffer *out)
{
    return make_probe(monitor->options.ready, monitor->options.user, out);
}

static const struct page pages[] = {
    {"/metrics", METRIC_CONTENT_TYPE, make_metrics},
    {"/livez", "text/plain; charset=utf-8", make_alive},
    {"/readyz", "text/plain; charset=utf-8", make_ready},
};

static void respond_text(struct http_call *call, int status, const char *text)
{
    const struct http_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                          {"Allow", "GET, HEAD"}};
    struct slice s = slice_of(text);
    struct bytes body = bytes_borrow(s.data, s.size);
    http_call_respond(call, status, headers, status == 405 ? 2 : 1, &body);
}

static void respond_page(struct http_call *call, struct monitor *monitor, const struct page *page)
{
    const struct http_header headers[] = {{"Content-Type", page->content_type},
                                          {"Cache-Control", "no-store"}};
    struct buffer out;
    buffer_init(&out, MONITOR_PAGE_MAX);
    int status = page->make(monitor, &out);
    if (out.error) {
        buffer_free(&out);
        respond_text(call, 500,
                     "the page could not be made: out of memory, or larger than 16 MiB\n");
        return;
    }
    struct bytes body = buffer_take(&out);
    http_call_respond(call, status, headers, 2, &body);
}

static void on_request(struct http_call *call, void *user)
{
    struct slice method = http_call_method(call), path = http_call_path(call);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!slice_equal_text(path, pages[i].path))
            continue;
        if (slice_equal_text(method, "GET") || slice_equal_text(method, "HEAD"))
            respond_page(call, user, &pages[i]);
        else
            respond_text(call, 405, "only GET and HEAD\n");
        return;
    }
    respond_text(call, 404, "no such page; there are /metrics, /livez and /readyz\n");
}

int monitor_open(uv_loop_t *loop, const struct monitor_options *options, struct monitor **out,
                 struct error *error)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);
    *out = NULL;
    if (!monitor)
        return error_set(error, ERR_MEMORY, "out of memory");
    monitor->options = *options;
    const struct http_server_options server = {
        .host = options->host,
        .port = options->port,
        .header_max = HEADER_MAX,
        .idle_ms = IDLE_MS,
        .connections = CONNECTIONS,
        .on_request = on_request,
        .user = monitor,
    };
    int code = http_server_start(loop, &server, &monitor->server, error);
    if (code) {
        free(monitor);
        return code;
    }
    *out = monitor;
    return 0;
}

unsigned monitor_port(const struct monitor *monitor)
{
    return http_server_port(monitor->server);
}

static void on_server_closed(void *user)
{
    struct monitor *monitor = user;
    void (*closed)(void *user) = monitor->closed;
    void *closed_user = monitor->closed_user;
    free(monitor);
    closed(closed_user);
}

void monitor_close(struct monitor *monitor, void (*closed)(void *user), void *user)
{
    monitor->closed = closed;
    monitor->closed_user = user;
    http_server_close(monitor->server, on_server_closed, monitor);
}
