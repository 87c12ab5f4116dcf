/*
 * The outcome of a message: a failure is mapped to an outcome in two steps.
 *
 *     curl's result            ── http_error.c ──┐
 *     HTTP status, error code  ── aws_kinds.c ───┼─► code of error.h ── outcome.c ──► outcome
 *     an image's failure       ── pipelines/ ────┘
 *
 * Backends and pipelines report what happened; they know nothing about messages. Only this file
 * turns a code into an outcome. Each step is a table with a reason for each row. A code without a
 * row is RETRY, so that an unforeseen failure never loses a message.
 */
#ifndef THUMBWHEEL_OUTCOME_H
#define THUMBWHEEL_OUTCOME_H

enum outcome {
    OUTCOME_ACK,   /* done, or nothing to do: the message is deleted */
    OUTCOME_RETRY, /* transient: the message becomes visible again after a backoff */
    /* can never succeed: the message goes to the dead-letter queue, with the reason */
    OUTCOME_REJECT,
};

/* Where a failure happened; the same code can mean different things. */
enum outcome_stage {
    STAGE_ENVELOPE,
    STAGE_FETCH,
    STAGE_RENDER,
    STAGE_STORE,
    STAGE_LABEL,
    STAGE_TAG,
    STAGE_NOTIFY
};

enum outcome outcome_of(enum outcome_stage stage, int code);
const char *outcome_name(enum outcome outcome); /* "ack", "retry", "reject" */
const char *outcome_reason(enum outcome_stage stage,
                           int code); /* "image-corrupt", "object-missing", … static */

#endif
