/*
 * The place of a message in a distributed trace: read from, and written as, W3C's traceparent
 * (https://www.w3.org/TR/trace-context/) and AWS X-Ray's header ("Tracing header", AWS X-Ray
 * Developer Guide), which hold the same facts. Pure; any thread.
 *
 * Both come from strangers: a text that breaks its format in any way is ignored.
 */
#ifndef THUMBWHEEL_TRACE_CONTEXT_H
#define THUMBWHEEL_TRACE_CONTEXT_H

#include <stdbool.h>

enum {
    TRACE_ID_SIZE = 33,       /* digits and the NUL */
    TRACE_SPAN_SIZE = 17,     /* the same */
    TRACE_PARENT_SIZE = 56,   /* "00-…-…-01" and the NUL */
    TRACE_XRAY_SIZE = 76,     /* "Root=1-…-…;Parent=…;Sampled=1" and the NUL */
    TRACE_XRAY_TEXT_MAX = 512 /* of a header that is read, in bytes */
};

struct trace_context {
    char trace[TRACE_ID_SIZE];  /* lower-case hexadecimal; "": there is no trace */
    char span[TRACE_SPAN_SIZE]; /* the same; "": only the trace is known */
    bool sampled;
};

/* False: the text is NULL or invalid, and *out has no trace. A higher version of traceparent is
 * read as the specification demands. */
bool trace_context_of_traceparent(const char *text, struct trace_context *out);
/* Unknown members are ignored. Without a decision about sampling, the trace is sampled. */
bool trace_context_of_xray(const char *text, struct trace_context *out);

bool trace_context_known(const struct trace_context *context);

/* Empty without a trace; traceparent also without a span, which it demands. */
void trace_context_traceparent(const struct trace_context *context, char out[TRACE_PARENT_SIZE]);
void trace_context_xray(const struct trace_context *context, char out[TRACE_XRAY_SIZE]);

/* The fields of a log line; they are missing without a trace. */
#define LOG_TRACE(context)                                                                         \
    LOG_TEXT("trace_id", (context)->trace[0] ? (context)->trace : NULL),                           \
        LOG_TEXT("span_id", (context)->span[0] ? (context)->span : NULL)

#endif
