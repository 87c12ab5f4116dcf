/*
 * What becomes of a message. Backends and pipelines report what happened as a code from error.h;
 * here, and only here, a code becomes an outcome.
 */
#ifndef THUMBWHEEL_OUTCOME_H
#define THUMBWHEEL_OUTCOME_H

enum outcome {
    OUTCOME_ACK,    /* done, or nothing to do: the message is deleted */
    OUTCOME_RETRY,  /* transient: it comes back after a backoff */
    OUTCOME_REJECT, /* it can never succeed: to the dead-letter queue, with the reason */
};

/* Where a failure happened; the same code can mean different things. */
enum outcome_stage { STAGE_ENVELOPE, STAGE_FETCH, STAGE_RENDER, STAGE_STORE, STAGE_LABEL };

enum outcome outcome_of(enum outcome_stage stage, int code);
const char *outcome_name(enum outcome outcome); /* "ack", "retry", "reject" */
const char *outcome_reason(enum outcome_stage stage,
                           int code); /* "image-corrupt", "object-missing", … static */

#endif
