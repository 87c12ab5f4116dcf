/*
 * The spans of a message:
 *
 *     (the sender's span)
 *        ├─ poll      from the start of the receive, or the message's SentTimestamp if that is later
 *        └─ process   from the receipt until the outcome is decided
 *              ├─ fetch     until the photo is there; shared: another job had requested it already
 *              ├─ decode    on the worker, with the scaling that all renditions share
 *              ├─ render    of each rendition, on the worker
 *              ├─ upload    of each output
 *              ├─ notify    of the notification, if the pipeline sends one
 *              └─ delete    the request that deleted the message
 *
 * Without a tracer, or if the sender does not sample the trace, there are no spans, and the sender's
 * span is passed on as the parent of what the message causes. A message without a trace begins one
 * if there is a tracer. Loop thread.
 */
#ifndef THUMBWHEEL_JOB_TRACE_H
#define THUMBWHEEL_JOB_TRACE_H

#include "source_table.h"
#include "tracer.h"

struct delivery;
struct job;

/* Finds the message's trace, once its envelope was read, and begins "process". */
void delivery_trace_begin(struct delivery *delivery);
/* Records "process", with the outcome. */
void delivery_trace_end(const struct delivery *delivery);

/* error may have the code 0. began_ns: uv_hrtime. */
void job_trace_fetched(const struct job *job, uint64_t began_ns, bool shared,
                       const struct error *error);
void job_trace_rendered(const struct job *job, const struct source_work *work,
                        const struct error *error);
void job_trace_uploaded(const struct job *job, const struct object_put *put, uint64_t began_ns,
                        const struct error *error);
void job_trace_notified(const struct job *job, uint64_t began_ns, const struct error *error);

/* "delete", for the lease keeper; code 0: deleted. tracer may be NULL. */
void trace_deleted(struct tracer *tracer, const struct trace_context *process, uint64_t began_ns,
                   int code);

#endif
