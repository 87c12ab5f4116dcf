#include "outcome.h"

#include <stddef.h>

#include "error.h"

/*
 * The table. A row applies to one stage, or to every stage without its own row (ANY). Failures that
 * pass or that an operator can fix (a missing bucket, a policy) are RETRY: the message waits, and
 * the redrive policy limits the number of attempts. Failures that would always recur are REJECT.
 */
enum { ANY = -1 };

static const struct row {
    int stage;
    int code;
    enum outcome outcome;
    const char *reason;
} rows[] = {
    /* A message's body never changes. */
    {STAGE_ENVELOPE, ERR_INVALID, OUTCOME_REJECT, "message-unreadable"},
    {STAGE_ENVELOPE, ERR_LIMIT, OUTCOME_REJECT, "message-over-limit"},
    /* The referenced body was written before the message, so it will not appear later. */
    {STAGE_ENVELOPE, ERR_NOT_FOUND, OUTCOME_REJECT, "message-body-missing"},

    /* After a second attempt: the object was deleted. (If its deletion is known, the message is
     * acknowledged: job.c.)
     */
    {STAGE_FETCH, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    /* The object of this event has this size; a smaller one would have its own event. */
    {STAGE_FETCH, ERR_LIMIT, OUTCOME_REJECT, "object-too-large"},
    /* Not a valid key or version. */
    {STAGE_FETCH, ERR_INVALID, OUTCOME_REJECT, "object-name-invalid"},
    /* Encrypted with a customer-provided key (SSE-C), which is not supported: S3 responds with
     * InvalidRequest. */
    {STAGE_FETCH, ERR_UNACCEPTABLE, OUTCOME_REJECT, "object-not-readable"},
    /* Archived, and its owner can restore it; or the service cannot return it. */
    {STAGE_FETCH, ERR_UNSUPPORTED, OUTCOME_RETRY, "object-not-readable"},

    /* Decoding the same bytes again will fail again. */
    {STAGE_RENDER, ERR_CORRUPT, OUTCOME_REJECT, "image-corrupt"},
    {STAGE_RENDER, ERR_UNSUPPORTED, OUTCOME_REJECT, "image-unsupported"},
    {STAGE_RENDER, ERR_LIMIT, OUTCOME_REJECT, "image-over-limit"},
    {STAGE_RENDER, ERR_INVALID, OUTCOME_REJECT, "image-not-renderable"},
    /* Not the photo's fault, and an operator can put the overlay in order. */
    {STAGE_RENDER, ERR_OVERLAY, OUTCOME_RETRY, "overlay-unavailable"},
    {STAGE_RENDER, ERR_NAME_TOO_LONG, OUTCOME_REJECT, "output-key-too-long"},
    /* Failed in two processes, so a third one would fail too. */
    {STAGE_RENDER, ERR_DECODER_CRASHED, OUTCOME_REJECT, "decoder-crashed"},
    {STAGE_RENDER, ERR_DECODER_TIMEOUT, OUTCOME_REJECT, "decoder-timeout"},
    {STAGE_RENDER, ERR_DECODER_MEMORY, OUTCOME_REJECT, "decoder-memory"},

    /* The same output would be refused again. */
    {STAGE_STORE, ERR_INVALID, OUTCOME_REJECT, "output-refused"},
    {STAGE_STORE, ERR_UNACCEPTABLE, OUTCOME_REJECT, "output-refused"},
    {STAGE_STORE, ERR_LIMIT, OUTCOME_REJECT, "output-too-large"},
    {STAGE_STORE, ERR_NAME_TOO_LONG, OUTCOME_REJECT, "output-key-too-long"},
    /* For a write, "not found" means that the bucket does not exist. */
    {STAGE_STORE, ERR_NOT_FOUND, OUTCOME_RETRY, "bucket-missing"},

    /* A labeler reports the same image errors as a decoder. */
    {STAGE_LABEL, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    {STAGE_LABEL, ERR_INVALID, OUTCOME_REJECT, "labels-refused"},
    {STAGE_LABEL, ERR_LIMIT, OUTCOME_REJECT, "image-over-limit"},
    {STAGE_LABEL, ERR_CORRUPT, OUTCOME_REJECT, "image-corrupt"},
    {STAGE_LABEL, ERR_UNSUPPORTED, OUTCOME_REJECT, "image-unsupported"},

    /* The object was deleted after it was fetched; or the service rejects the tags. */
    {STAGE_TAG, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    {STAGE_TAG, ERR_INVALID, OUTCOME_REJECT, "labels-refused"},
    {STAGE_TAG, ERR_LIMIT, OUTCOME_REJECT, "labels-refused"},

    /* The outputs are stored, and an operator can fix the target. Only what is too long for it stays
     * so. */
    {STAGE_NOTIFY, ERR_NOT_FOUND, OUTCOME_RETRY, "notify-target-missing"},
    {STAGE_NOTIFY, ERR_NO_CONTAINER, OUTCOME_RETRY, "notify-target-missing"},
    {STAGE_NOTIFY, ERR_INVALID, OUTCOME_RETRY, "notification-refused"},
    {STAGE_NOTIFY, ERR_LIMIT, OUTCOME_REJECT, "notification-too-large"},

    /* Transient failures. */
    {ANY, ERR_MEMORY, OUTCOME_RETRY, "out-of-memory"},
    {ANY, ERR_TIMEOUT, OUTCOME_RETRY, "timeout"},
    {ANY, ERR_NETWORK, OUTCOME_RETRY, "connection-lost"},
    {ANY, ERR_THROTTLED, OUTCOME_RETRY, "throttled"},
    {ANY, ERR_SERVER, OUTCOME_RETRY, "service-error"},
    {ANY, ERR_CONFLICT, OUTCOME_RETRY, "conflict"},
    {ANY, ERR_PROTOCOL, OUTCOME_RETRY, "protocol-error"},
    {ANY, ERR_CANCELLED, OUTCOME_RETRY, "cancelled"},

    /* Failures that an operator must fix. */
    {ANY, ERR_DENIED, OUTCOME_RETRY, "access-denied"},
    {ANY, ERR_EXPIRED, OUTCOME_RETRY, "credentials-expired"},
    {ANY, ERR_CREDENTIALS, OUTCOME_RETRY, "credentials-refused"},
    {ANY, ERR_NO_CONTAINER, OUTCOME_RETRY, "bucket-missing"},
    {ANY, ERR_REFUSED, OUTCOME_RETRY, "request-refused"},
    {ANY, ERR_UNACCEPTABLE, OUTCOME_RETRY, "request-refused"},
    {ANY, ERR_UNSUPPORTED, OUTCOME_RETRY, "not-supported-by-service"},
    {ANY, ERR_IO, OUTCOME_RETRY, "disk-error"},

    /* Not a valid key. */
    {ANY, ERR_NAME_TOO_LONG, OUTCOME_REJECT, "key-too-long"},
};

static const struct row *row_find(enum outcome_stage stage, int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code && (rows[i].stage == (int)stage || rows[i].stage == ANY))
            return &rows[i];
    }
    return NULL;
}

enum outcome outcome_of(enum outcome_stage stage, int code)
{
    if (code == 0)
        return OUTCOME_ACK;
    const struct row *row = row_find(stage, code);
    return row ? row->outcome : OUTCOME_RETRY; /* an unforeseen failure never drops a message */
}

const char *outcome_reason(enum outcome_stage stage, int code)
{
    if (code == 0)
        return "";
    const struct row *row = row_find(stage, code);
    return row ? row->reason : error_name(code);
}

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {"ack", "retry", "reject"};
    return names[outcome];
}
