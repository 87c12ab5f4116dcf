#include "engine_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 5000, PAGE_MAX = 16 * 1024 * 1024, URL_MAX = ENGINE_PROBE_URL_MAX };

void engine_probe_url(char out[ENGINE_PROBE_URL_MAX], const char *host, unsigned port,
                      const char *path)
{
    const bool any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    const char *shown = any ? "127.0.0.1" : host;
    const bool v6 = strchr(shown, ':') != NULL;
    snprintf(out, URL_MAX, "http://%s%s%s:%u%s", v6 ? "[" : "", shown, v6 ? "]" : "", port, path);
}

/* ---- metrics ---- */

static bool line_counts(const char *line, size_t size, const char *family, const char *label)
{
    const size_t name = strlen(family);
    if (size <= name || strncmp(line, family, name) != 0 ||
        (line[name] != '{' && line[name] != ' '))
        return false;
    return !*label || memmem(line, size, label, strlen(label));
}

/* The value follows the last space: no metric of the engine has a timestamp. */
static double line_value(const char *line, size_t size)
{
    char number[64];
    const char *space = memrchr(line, ' ', size);
    const size_t length = space ? size - (size_t)(space + 1 - line) : 0;
    if (!length || length >= sizeof number)
        return 0;
    memcpy(number, space + 1, length);
    number[length] = '\0';
    return strtod(number, NULL);
}

double engine_metric_sum(struct slice page, const char *family, const char *label)
{
    double sum = -1;
    const char *at = page.data, *end = page.size ? page.data + page.size : page.data;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t size = (size_t)((stop ? stop : end) - at);
        if (line_counts(at, size, family, label))
            sum = (sum < 0 ? 0 : sum) + line_value(at, size);
        at += size + 1;
    }
    return sum;
}

static double none_is_zero(double sum)
{
    return sum < 0 ? 0 : sum;
}

static void metrics_read(struct engine_probe *probe, struct slice page)
{
    static const char settled[] = "thumbwheel_messages_total";
    struct engine_facts *facts = &probe->facts;
    const double jobs = engine_metric_sum(page, "thumbwheel_jobs", "");
    facts->measured = jobs >= 0;
    if (!facts->measured)
        return;
    facts->jobs = jobs;
    facts->in_flight = none_is_zero(engine_metric_sum(page, "thumbwheel_messages_in_flight", ""));
    facts->done = none_is_zero(engine_metric_sum(page, settled, "outcome=\"acknowledged\""));
    facts->retried = none_is_zero(engine_metric_sum(page, settled, "outcome=\"retried\""));
    facts->rejected = none_is_zero(engine_metric_sum(page, settled, "outcome=\"rejected\""));
    facts->at_ms = uv_now(probe->loop);
}

/* ---- requests ---- */

static void request(struct engine_probe *probe, const char *path, http_done *done);

static void on_metrics(const struct http_response *response, void *user)
{
    struct engine_probe *probe = user;
    probe->exchange = NULL;
    if (!response->error && response->status == 200 && response->body.size)
        metrics_read(probe, (struct slice){response->body.data, response->body.size});
}

static void first_line(struct slice body, char out[ENGINE_PROBE_REASON_MAX])
{
    const char *end = memchr(body.data, '\n', body.size);
    const size_t size = end ? (size_t)(end - body.data) : body.size;
    snprintf(out, ENGINE_PROBE_REASON_MAX, "%.*s", (int)(size < 1024 ? size : 1024), body.data);
}

static void on_ready(const struct http_response *response, void *user)
{
    struct engine_probe *probe = user;
    struct engine_facts *facts = &probe->facts;
    const struct slice body = {response->body.data, response->body.size};
    probe->exchange = NULL;
    facts->reached = !response->error;
    facts->ready = facts->reached && response->status == 200;
    if (response->error)
        snprintf(facts->reason, sizeof facts->reason, "it does not respond: %s", response->detail);
    else if (!facts->ready && body.size)
        first_line(body, facts->reason);
    if (facts->reached)
        request(probe, "/metrics", on_metrics);
}

static void request(struct engine_probe *probe, const char *path, http_done *done)
{
    char url[URL_MAX + 16];
    snprintf(url, sizeof url, "%s%s", probe->base, path);
    const struct http_request call = {.method = "GET",
                                      .url = url,
                                      .response_max = PAGE_MAX,
                                      .connect_timeout_ms = TIMEOUT_MS,
                                      .idle_timeout_ms = TIMEOUT_MS,
                                      .total_timeout_ms = TIMEOUT_MS};
    int code = http_client_send(probe->http, &call, done, probe, &probe->exchange);
    if (code)
        snprintf(probe->facts.reason, sizeof probe->facts.reason,
                 "the request could not be started (%s)", error_name(code));
}

void engine_probe_init(struct engine_probe *probe, uv_loop_t *loop, struct http_client *http,
                       const char *host, unsigned port)
{
    *probe = (struct engine_probe){.loop = loop, .http = http};
    engine_probe_url(probe->base, host, port, "");
}

void engine_probe_ask(struct engine_probe *probe)
{
    probe->facts = (struct engine_facts){0};
    request(probe, "/readyz", on_ready);
}

bool engine_probe_is_idle(void *probe)
{
    return ((struct engine_probe *)probe)->exchange == NULL;
}

void engine_probe_cancel(struct engine_probe *probe)
{
    if (probe->exchange)
        http_exchange_cancel(probe->exchange);
    probe->exchange = NULL;
}
