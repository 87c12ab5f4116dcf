/*
 * Spans as OTLP/JSON: an ExportTraceServiceRequest in the JSON encoding of protobuf, with OTLP's
 * exceptions ("JSON Protobuf Encoding", OTLP Specification 1.x): identifiers are hexadecimal, enums
 * are numbers, 64-bit integers are strings. Pure; any thread.
 */
#ifndef THUMBWHEEL_OTLP_JSON_H
#define THUMBWHEEL_OTLP_JSON_H

#include "bytes.h"
#include "tracer.h"

enum { OTLP_TEXT_MAX = 1024 }; /* bytes of an attribute or a message; the rest is cut off */

/* The text before the first span, between two spans, and after the last one. */
void otlp_json_begin(struct buffer *out);
void otlp_json_next(struct buffer *out);
void otlp_json_end(struct buffer *out);
/* offset_ns: Unix time minus the clock of the span. */
void otlp_json_span(struct buffer *out, const struct trace_span *span, int64_t offset_ns);

/* How many spans a collector's response says it has rejected. -1: it is not such a response. An
 * empty one accepts all. */
int64_t otlp_json_rejected(struct slice response);

#endif
