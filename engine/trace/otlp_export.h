/*
 * A tracer that sends spans to an OpenTelemetry collector over OTLP/HTTP with JSON, in batches:
 * POST URL/v1/traces, one request at a time, once a second or when a batch is full.
 *
 *     record ──► waiting, at most OTLP_SPANS_MAX ──► one batch in flight ──► exported
 *        └► dropped: queue_full                          ├► dropped: unavailable
 *                                                        └► dropped: rejected
 *
 * Spans are worth less than photos: a batch that fails is dropped, not repeated, and the next one
 * waits, up to OTLP_REST_MAX_MS while failures go on. Nothing waits for the collector, except the
 * end of the process for OTLP_CLOSE_MS at most. Loop thread.
 */
#ifndef THUMBWHEEL_OTLP_EXPORT_H
#define THUMBWHEEL_OTLP_EXPORT_H

#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "http_client.h"
#include "tracer.h"

enum {
    OTLP_SPANS_MAX = 2048,
    OTLP_BATCH = 512, /* spans that are sent without waiting for the second to end */
    OTLP_BYTES_MAX = 4 * 1024 * 1024,
    OTLP_EVERY_MS = 1000,
    OTLP_REST_MAX_MS = 30000,
    OTLP_TIMEOUT_MS = 10000, /* of a request */
    OTLP_CLOSE_MS = 1000,
};

struct otlp_export;

/* url and headers: see otlp_target.h. The HTTP client is borrowed and outlives it. ERR_INVALID,
 * ERR_MEMORY. */
int otlp_export_open(uv_loop_t *loop, struct http_client *http, const char *url,
                     const char *headers, struct otlp_export **out, struct error *error);
struct tracer *otlp_export_tracer(struct otlp_export *export);
/* Appends its counters, in Prometheus' text format. NULL: there is none, and they are 0. */
void otlp_export_write_metrics(const struct otlp_export *export, struct buffer *out);
/* Sends what waits, for OTLP_CLOSE_MS at most. closed is called from the loop when the memory is
 * freed; no span may be recorded any more. */
void otlp_export_close(struct otlp_export *export, void (*closed)(void *user), void *user);

#endif
