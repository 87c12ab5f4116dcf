/*
 * Seam: where the spans of traces go. Owned by the engine; engine/trace implements it.
 *
 * Loop thread only. Recording a span must cost little and never fail: what cannot be passed on is
 * dropped, and the tracer counts it.
 */
#ifndef THUMBWHEEL_TRACER_H
#define THUMBWHEEL_TRACER_H

#include <stddef.h>
#include <stdint.h>

#include "trace_context.h"

/* OpenTelemetry's kinds, with their numbers (SpanKind in trace.proto). */
enum trace_span_kind { SPAN_INTERNAL = 1, SPAN_CLIENT = 3, SPAN_CONSUMER = 5 };

struct trace_attribute {
    const char *name; /* static */
    const char *text; /* NULL: a number, or nothing if that is 0 */
    uint64_t number;
};

/* All strings are borrowed for the call. */
struct trace_span {
    const char *name; /* static */
    enum trace_span_kind kind;
    struct trace_context context; /* its trace and its own span */
    const char *parent;           /* span; "": a root */
    uint64_t began_ns, ended_ns;  /* uv_hrtime's clock */
    const char *error;            /* NULL: it succeeded */
    const struct trace_attribute *attributes;
    size_t attribute_count;
};

struct tracer {
    void (*record)(struct tracer *tracer, const struct trace_span *span);
};

#endif
