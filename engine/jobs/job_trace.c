#include "job_trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "delivery.h"
#include "engine_private.h"
#include "hex.h"
#include "job.h"
#include "wall_clock.h"

enum { NS_PER_MS = 1000000, TRACE_BYTES = (TRACE_ID_SIZE - 1) / 2, SPAN_BYTES = 8, TIME_BYTES = 4 };

static struct tracer *tracer_of(const struct delivery *delivery)
{
    return delivery->consumer->context->tracer;
}

static bool is_traced(const struct delivery *delivery)
{
    return tracer_of(delivery) && delivery->trace.sampled;
}

/* ---- identifiers ---- */

/* Not a secret: when the kernel has no random bytes, those that are there will do. The last one is
 * never 0, because an identifier of zeros is invalid. */
static void id_make(char *out, size_t bytes)
{
    uint8_t raw[TRACE_BYTES] = {0};
    if (getrandom(raw, bytes, GRND_NONBLOCK) < 0)
        for (size_t i = 0; i < bytes; i++)
            raw[i] = (uint8_t)(uv_hrtime() >> (i % SPAN_BYTES));
    raw[bytes - 1] |= 1;
    hex_write(raw, bytes, out);
}

/* X-Ray accepts only traces that begin with their time. */
static void trace_make(struct trace_context *out)
{
    const uint32_t now_s = (uint32_t)time(NULL);
    const uint8_t raw[TIME_BYTES] = {(uint8_t)(now_s >> 24), (uint8_t)(now_s >> 16),
                                     (uint8_t)(now_s >> 8), (uint8_t)now_s};
    *out = (struct trace_context){.sampled = true};
    id_make(out->trace, TRACE_BYTES);
    char rest = out->trace[sizeof raw * 2];
    hex_write(raw, sizeof raw, out->trace);
    out->trace[sizeof raw * 2] = rest; /* which the NUL has overwritten */
}

/* ---- spans ---- */

static void record(struct tracer *tracer, struct trace_span *span, const char *trace,
                   const char *parent)
{
    memcpy(span->context.trace, trace, sizeof span->context.trace);
    span->context.sampled = true;
    span->parent = parent;
    id_make(span->context.span, SPAN_BYTES);
    tracer->record(tracer, span);
}

/* A part of "process". */
static void record_part(const struct delivery *delivery, struct trace_span *span)
{
    record(tracer_of(delivery), span, delivery->trace.trace, delivery->trace.span);
}

static const char *text_of(const struct error *error)
{
    return error->code ? error->text : NULL;
}

/* ---- poll, process ---- */

/* The sender's own attribute comes first, then that of the SNS envelope, then X-Ray's, which
 * services along the way may have set. */
static struct trace_context sender_of(const struct delivery *delivery)
{
    const struct queue_message *message = &delivery->message;
    struct trace_context found;
    for (size_t i = 0; i < message->attribute_count; i++) {
        if (strcmp(message->attributes[i].name, "traceparent") == 0 &&
            trace_context_of_traceparent(message->attributes[i].value, &found))
            return found;
    }
    return trace_context_known(&delivery->envelope.trace) ? delivery->envelope.trace
                                                          : message->trace;
}

/* A long poll may have begun long before the message existed. */
static uint64_t poll_began_ns(const struct delivery *delivery)
{
    const uint64_t received_ns = delivery->received_us * 1000;
    uint64_t began_ns = delivery->consumer->poller.polled_ns;
    const int64_t age_ms = wall_clock_ms() - delivery->message.sent_ms;
    if (began_ns == 0 || began_ns > received_ns)
        began_ns = received_ns;
    if (delivery->message.sent_ms == 0 || age_ms < 0)
        return began_ns;
    const uint64_t age_ns = (uint64_t)age_ms * NS_PER_MS, now_ns = uv_hrtime();
    if (age_ns >= now_ns || now_ns - age_ns <= began_ns)
        return began_ns;
    return now_ns - age_ns < received_ns ? now_ns - age_ns : received_ns;
}

static void record_poll(const struct delivery *delivery)
{
    const struct trace_attribute attributes[] = {
        {"messaging.destination.name", delivery->consumer->home.name, 0},
        {"messaging.message.id", delivery->message.id, 0}};
    struct trace_span span = {.name = "poll",
                              .kind = SPAN_CONSUMER,
                              .began_ns = poll_began_ns(delivery),
                              .ended_ns = delivery->received_us * 1000,
                              .attributes = attributes,
                              .attribute_count = 2};
    record(tracer_of(delivery), &span, delivery->trace.trace, delivery->sender_span);
}

void delivery_trace_begin(struct delivery *delivery)
{
    if (trace_context_known(&delivery->trace))
        return; /* a message whose body is elsewhere has two envelopes */
    delivery->trace = sender_of(delivery);
    if (!trace_context_known(&delivery->trace) && tracer_of(delivery))
        trace_make(&delivery->trace);
    memcpy(delivery->sender_span, delivery->trace.span, sizeof delivery->sender_span);
    if (!is_traced(delivery))
        return;
    record_poll(delivery);
    id_make(delivery->trace.span, SPAN_BYTES);
}

static const char *const outcome_names[] = {
    [OUTCOME_ACK] = "acknowledged", [OUTCOME_RETRY] = "retried", [OUTCOME_REJECT] = "rejected"};

void delivery_trace_end(const struct delivery *delivery)
{
    const bool done = delivery->outcome == OUTCOME_ACK;
    const char *detail = delivery->error.text[0] ? delivery->error.text : delivery->reason;
    const struct trace_attribute attributes[] = {
        {"messaging.destination.name", delivery->consumer->home.name, 0},
        {"messaging.message.id", delivery->message.id, 0},
        {"thumbwheel.outcome", outcome_names[delivery->outcome], 0},
        {"thumbwheel.reason", done ? NULL : delivery->reason, 0},
        {"thumbwheel.receive_count", NULL, delivery->message.receive_count}};
    struct trace_span span = {.name = "process",
                              .kind = SPAN_CONSUMER,
                              .context = delivery->trace,
                              .parent = delivery->sender_span,
                              .began_ns = delivery->received_us * 1000,
                              .ended_ns = uv_hrtime(),
                              .error = done ? NULL : detail,
                              .attributes = attributes,
                              .attribute_count = sizeof attributes / sizeof attributes[0]};
    if (is_traced(delivery))
        tracer_of(delivery)->record(tracer_of(delivery), &span);
}

/* ---- fetch, decode, render, upload ---- */

/* A request about an object that has ended now. */
static void record_request(const struct delivery *delivery, const char *name,
                           const struct trace_attribute attributes[3], uint64_t began_ns,
                           const struct error *error)
{
    struct trace_span span = {.name = name,
                              .kind = SPAN_CLIENT,
                              .began_ns = began_ns,
                              .ended_ns = uv_hrtime(),
                              .error = text_of(error),
                              .attributes = attributes,
                              .attribute_count = 3};
    record_part(delivery, &span);
}

void job_trace_fetched(const struct job *job, uint64_t began_ns, bool shared,
                       const struct error *error)
{
    const struct envelope_record *of = job->msg.record;
    const struct trace_attribute attributes[] = {{"aws.s3.bucket", of->bucket, 0},
                                                 {"aws.s3.key", of->key, 0},
                                                 {"thumbwheel.shared", NULL, shared}};
    if (is_traced(job->msg.delivery))
        record_request(job->msg.delivery, "fetch", attributes, began_ns, error);
}

static uint64_t after_ms(uint64_t began_ns, double ms)
{
    return began_ns + (ms > 0 ? (uint64_t)(ms * NS_PER_MS) : 0);
}

static void record_rendition(const struct delivery *delivery, const struct rendition *rendition,
                             uint64_t began_ns)
{
    const struct trace_attribute attributes[] = {{"aws.s3.key", rendition->key, 0},
                                                 {"thumbwheel.width", NULL, rendition->width},
                                                 {"thumbwheel.height", NULL, rendition->height}};
    struct trace_span span = {.name = "render",
                              .kind = SPAN_INTERNAL,
                              .began_ns = began_ns,
                              .ended_ns = after_ms(began_ns, rendition->milliseconds),
                              .attributes = attributes,
                              .attribute_count = 3};
    record_part(delivery, &span);
}

/* The worker measures how long each rendition took, not when it began: they are shown one after
 * another, in the order of the round. */
void job_trace_rendered(const struct job *job, const struct source_work *work,
                        const struct error *error)
{
    const struct delivery *delivery = job->msg.delivery;
    const struct render_item *item = &job->work.claim.item;
    struct trace_span decode = {.name = "decode",
                                .kind = SPAN_INTERNAL,
                                .began_ns = work->began_ns,
                                .ended_ns = after_ms(work->began_ns, work->decode_ms),
                                .error = text_of(error)};
    if (!is_traced(delivery))
        return;
    record_part(delivery, &decode);
    uint64_t at_ns = after_ms(decode.ended_ns, work->before_ms);
    for (size_t i = 0; i < item->rendition_count; i++) {
        record_rendition(delivery, &item->renditions[i], at_ns);
        at_ns = after_ms(at_ns, item->renditions[i].milliseconds);
    }
}

void job_trace_uploaded(const struct job *job, const struct object_put *put, uint64_t began_ns,
                        const struct error *error)
{
    const struct trace_attribute attributes[] = {{"aws.s3.bucket", put->bucket, 0},
                                                 {"aws.s3.key", put->key, 0},
                                                 {"thumbwheel.bytes", NULL, put->body_size}};
    if (is_traced(job->msg.delivery))
        record_request(job->msg.delivery, "upload", attributes, began_ns, error);
}

void job_trace_notified(const struct job *job, uint64_t began_ns, const struct error *error)
{
    const struct envelope_record *of = job->msg.record;
    const struct trace_attribute attributes[] = {
        {"aws.s3.bucket", of->bucket, 0}, {"aws.s3.key", of->key, 0}, {NULL, NULL, 0}};
    if (is_traced(job->msg.delivery))
        record_request(job->msg.delivery, "notify", attributes, began_ns, error);
}

/* ---- delete ---- */

void trace_deleted(struct tracer *tracer, const struct trace_context *process, uint64_t began_ns,
                   int code)
{
    struct trace_span span = {.name = "delete",
                              .kind = SPAN_CLIENT,
                              .began_ns = began_ns,
                              .ended_ns = uv_hrtime(),
                              .error = code ? error_name(code) : NULL};
    if (tracer && process->sampled && trace_context_known(process))
        record(tracer, &span, process->trace, process->span);
}
