#include "otlp_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "container_of.h"
#include "log.h"
#include "metric_text.h"
#include "otlp_json.h"
#include "otlp_target.h"

enum { RESPONSE_MAX = 64 * 1024, LOG_EVERY_MS = 60000, NS_PER_S = 1000000000 };

enum drop { DROP_FULL, DROP_UNAVAILABLE, DROP_REJECTED, DROP_COUNT };

struct otlp_export {
    struct tracer tracer;
    uv_loop_t *loop;
    struct http_client *http;
    struct otlp_target target;
    uv_timer_t timer;               /* the next batch; when closing, the end of the patience */
    struct buffer spans;            /* those that wait, as JSON */
    size_t count;                   /* of them */
    struct bytes body;              /* of the batch in flight */
    size_t in_flight;               /* spans in it */
    struct http_exchange *exchange; /* NULL: none */
    unsigned failures;              /* in a row */
    struct log_gate gate;
    uint64_t exported, dropped[DROP_COUNT];
    bool closing;
    void (*closed)(void *user);
    void *closed_user;
};

static void send_batch(struct otlp_export *export);

static void on_timer(uv_timer_t *timer)
{
    send_batch(container_of(timer, struct otlp_export, timer));
}

/* ---- recording ---- */

/* Both clocks may be read at different moments of a span, so the offset is taken at its end. */
static int64_t clock_offset_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec - (int64_t)uv_hrtime();
}

static void span_append(struct otlp_export *export, const struct trace_span *span)
{
    const size_t before = export->spans.size;
    if (export->count == 0)
        otlp_json_begin(&export->spans);
    else
        otlp_json_next(&export->spans);
    otlp_json_span(&export->spans, span, clock_offset_ns());
    if (!export->spans.error) {
        export->count++;
        return;
    }
    export->spans.error = 0; /* no memory, or no room: as if it had not been recorded */
    export->spans.size = before;
    export->dropped[DROP_FULL]++;
}

/* Until the next batch: longer while the collector fails. */
static uint64_t rest_ms(const struct otlp_export *export)
{
    const unsigned doublings = export->failures < 5 ? export->failures : 5;
    const uint64_t ms = (uint64_t)OTLP_EVERY_MS << doublings;
    return ms < OTLP_REST_MAX_MS ? ms : OTLP_REST_MAX_MS;
}

static void record(struct tracer *tracer, const struct trace_span *span)
{
    struct otlp_export *export = container_of(tracer, struct otlp_export, tracer);
    if (export->closing || export->count == OTLP_SPANS_MAX) {
        export->dropped[DROP_FULL]++;
        return;
    }
    span_append(export, span);
    if (export->exchange || export->count == 0)
        return;
    if (export->count == OTLP_BATCH && export->failures == 0)
        uv_timer_start(&export->timer, on_timer, 0, 0);
    else if (!uv_is_active((uv_handle_t *)&export->timer))
        uv_timer_start(&export->timer, on_timer, rest_ms(export), 0);
}

/* ---- closing ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct otlp_export *export = container_of((uv_timer_t *)handle, struct otlp_export, timer);
    void (*closed)(void *user) = export->closed;
    void *user = export->closed_user;
    free(export);
    closed(user);
}

static void finish(struct otlp_export *export)
{
    uint64_t dropped = 0;
    export->dropped[DROP_UNAVAILABLE] += export->in_flight + export->count;
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += export->dropped[i];
    if (dropped)
        log_warn("spans were dropped", LOG_INT("dropped", dropped),
                 LOG_INT("exported", export->exported));
    bytes_free(&export->body);
    buffer_free(&export->spans);
    otlp_target_free(&export->target);
    uv_close((uv_handle_t *)&export->timer, on_timer_closed);
}

static void on_close_late(uv_timer_t *timer)
{
    struct otlp_export *export = container_of(timer, struct otlp_export, timer);
    http_exchange_cancel(export->exchange);
    finish(export);
}

/* ---- one batch ---- */

static void batch_failed(struct otlp_export *export, const char *why)
{
    export->dropped[DROP_UNAVAILABLE] += export->in_flight;
    export->failures++;
    if (log_gate_open(&export->gate, uv_now(export->loop), LOG_EVERY_MS))
        log_warn("spans could not be exported and are dropped", LOG_TEXT("url", export->target.url),
                 LOG_TEXT("error", why), LOG_INT("spans", export->in_flight),
                 LOG_SUPPRESSED(&export->gate));
}

static void batch_done(struct otlp_export *export, int64_t rejected)
{
    const uint64_t lost =
        (uint64_t)rejected < export->in_flight ? (uint64_t)rejected : export->in_flight;
    export->dropped[DROP_REJECTED] += lost;
    export->exported += export->in_flight - lost;
    export->failures = 0;
    if (lost && log_gate_open(&export->gate, uv_now(export->loop), LOG_EVERY_MS))
        log_warn("the collector rejected spans", LOG_TEXT("url", export->target.url),
                 LOG_INT("spans", lost), LOG_SUPPRESSED(&export->gate));
}

/* "OTLP/HTTP Response", OTLP Specification: 200 and an ExportTraceServiceResponse. A page of a proxy
 * is none. */
static void judge(struct otlp_export *export, const struct http_response *response)
{
    char why[64];
    const struct slice body = {response->body.data, response->body.size};
    if (response->error) {
        batch_failed(export, response->detail);
        return;
    }
    const bool is_success = response->status >= 200 && response->status < 300;
    const int64_t rejected = is_success ? otlp_json_rejected(body) : -1;
    if (rejected >= 0) {
        batch_done(export, rejected);
        return;
    }
    snprintf(why, sizeof why, is_success ? "HTTP %d without a response of OTLP" : "HTTP %d",
             response->status);
    batch_failed(export, why);
}

/* What follows the end of a batch. */
static void go_on(struct otlp_export *export)
{
    bytes_free(&export->body);
    export->in_flight = 0;
    if (export->closing && (export->count == 0 || export->failures))
        finish(export);
    else if (export->closing)
        send_batch(export);
    else if (export->count)
        uv_timer_start(&export->timer, on_timer,
                       export->failures == 0 && export->count >= OTLP_BATCH ? 0 : rest_ms(export),
                       0);
}

static void on_response(const struct http_response *response, void *user)
{
    struct otlp_export *export = user;
    export->exchange = NULL;
    judge(export, response);
    go_on(export);
}

static void send_batch(struct otlp_export *export)
{
    otlp_json_end(&export->spans);
    const int unfinished = export->spans.error;
    export->in_flight = export->count;
    export->count = 0;
    export->body = buffer_take(&export->spans);
    buffer_init(&export->spans, OTLP_BYTES_MAX);
    const struct http_request request = {.method = "POST",
                                         .url = export->target.url,
                                         .headers = export->target.headers,
                                         .header_count = export->target.header_count,
                                         .body = export->body.data,
                                         .body_size = export->body.size,
                                         .response_max = RESPONSE_MAX,
                                         .idle_timeout_ms = OTLP_TIMEOUT_MS,
                                         .total_timeout_ms = OTLP_TIMEOUT_MS};
    int code = unfinished ? unfinished
                          : http_client_send(export->http, &request, on_response, export,
                                             &export->exchange);
    if (!code)
        return;
    batch_failed(export, error_name(code));
    go_on(export);
}

/* ---- interface ---- */

int otlp_export_open(uv_loop_t *loop, struct http_client *http, const char *url,
                     const char *headers, struct otlp_export **out, struct error *error)
{
    *out = NULL;
    struct otlp_export *export = calloc(1, sizeof *export);
    if (!export)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = otlp_target_read(url, headers, &export->target, error);
    if (code) {
        free(export);
        return code;
    }
    export->tracer.record = record;
    export->loop = loop;
    export->http = http;
    buffer_init(&export->spans, OTLP_BYTES_MAX);
    uv_timer_init(loop, &export->timer);
    *out = export;
    return 0;
}

struct tracer *otlp_export_tracer(struct otlp_export *export)
{
    return &export->tracer;
}

void otlp_export_write_metrics(const struct otlp_export *export, struct buffer *out)
{
    static const char dropped[] = "thumbwheel_spans_dropped_total";
    static const char *const reasons[DROP_COUNT] = {[DROP_FULL] = "queue_full",
                                                    [DROP_UNAVAILABLE] = "unavailable",
                                                    [DROP_REJECTED] = "rejected"};
    metric_single(out, METRIC_COUNTER, "thumbwheel_spans_exported_total",
                  "Spans that the collector of --otlp accepted.",
                  export ? (double)export->exported : 0);
    metric_family(out, METRIC_COUNTER, dropped, "Spans that were not exported, by reason.");
    for (int i = 0; i < DROP_COUNT; i++) {
        const struct metric_label reason = {"reason", reasons[i]};
        metric_sample(out, dropped, &reason, 1, export ? (double)export->dropped[i] : 0);
    }
}

void otlp_export_close(struct otlp_export *export, void (*closed)(void *user), void *user)
{
    export->closing = true;
    export->closed = closed;
    export->closed_user = user;
    uv_timer_stop(&export->timer);
    if (!export->exchange && (export->count == 0 || export->failures)) {
        finish(export);
        return;
    }
    uv_timer_start(&export->timer, on_close_late, OTLP_CLOSE_MS, 0);
    if (!export->exchange)
        send_batch(export);
}
