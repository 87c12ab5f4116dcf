#include "outcome.h"

#include <stddef.h>

#include "error.h"

/*
 * The table. A row speaks for one stage, or for every stage that has no row of its own (ANY). What
 * time or an operator can mend (a missing bucket, a policy) is RETRY: the message waits, and the
 * redrive policy bounds how often. What would fail in the same way for ever is REJECT.
 */
enum { ANY = -1 };

static const struct row {
    int stage;
    int code;
    enum outcome outcome;
    const char *reason;
} rows[] = {
    /* A body does not change while its message lives. */
    {STAGE_ENVELOPE, ERR_INVALID, OUTCOME_REJECT, "message-unreadable"},
    {STAGE_ENVELOPE, ERR_LIMIT, OUTCOME_REJECT, "message-over-limit"},
    /* The pointed-at body was written before its message: it will not appear. */
    {STAGE_ENVELOPE, ERR_NOT_FOUND, OUTCOME_REJECT, "message-body-missing"},

    /* After a second look: it was deleted. (Where a later deletion is known: acknowledged, job.c.)
     */
    {STAGE_FETCH, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    /* The object that the event is about has this size; a smaller one will have its own event. */
    {STAGE_FETCH, ERR_LIMIT, OUTCOME_REJECT, "object-too-large"},
    /* No object can have this name or version. */
    {STAGE_FETCH, ERR_INVALID, OUTCOME_REJECT, "object-name-invalid"},
    /* Encrypted with a customer-provided key (SSE-C), which we don't send: S3 responds
       InvalidRequest. */
    {STAGE_FETCH, ERR_UNACCEPTABLE, OUTCOME_REJECT, "object-not-readable"},
    /* In an archive, from where its owner can restore it; or the service cannot give it out. */
    {STAGE_FETCH, ERR_UNSUPPORTED, OUTCOME_RETRY, "object-not-readable"},

    /* The same bytes will decode no better. */
    {STAGE_RENDER, ERR_CORRUPT, OUTCOME_REJECT, "image-corrupt"},
    {STAGE_RENDER, ERR_UNSUPPORTED, OUTCOME_REJECT, "image-unsupported"},
    {STAGE_RENDER, ERR_LIMIT, OUTCOME_REJECT, "image-over-limit"},
    {STAGE_RENDER, ERR_INVALID, OUTCOME_REJECT, "image-not-renderable"},
    {STAGE_RENDER, ERR_NAME_TOO_LONG, OUTCOME_REJECT, "output-key-too-long"},
    /* Twice, in two processes: a third one would fare no better. */
    {STAGE_RENDER, ERR_DECODER_CRASHED, OUTCOME_REJECT, "decoder-crashed"},
    {STAGE_RENDER, ERR_DECODER_TIMEOUT, OUTCOME_REJECT, "decoder-timeout"},
    {STAGE_RENDER, ERR_DECODER_MEMORY, OUTCOME_REJECT, "decoder-memory"},

    /* The same output will be refused again. */
    {STAGE_STORE, ERR_INVALID, OUTCOME_REJECT, "output-refused"},
    {STAGE_STORE, ERR_UNACCEPTABLE, OUTCOME_REJECT, "output-refused"},
    {STAGE_STORE, ERR_LIMIT, OUTCOME_REJECT, "output-too-large"},
    {STAGE_STORE, ERR_NAME_TOO_LONG, OUTCOME_REJECT, "output-key-too-long"},
    /* A write finds nothing only where there is no bucket. */
    {STAGE_STORE, ERR_NOT_FOUND, OUTCOME_RETRY, "bucket-missing"},

    /* A labeler reports the same image errors as a decoder. */
    {STAGE_LABEL, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    {STAGE_LABEL, ERR_INVALID, OUTCOME_REJECT, "labels-refused"},
    {STAGE_LABEL, ERR_LIMIT, OUTCOME_REJECT, "image-over-limit"},
    {STAGE_LABEL, ERR_CORRUPT, OUTCOME_REJECT, "image-corrupt"},
    {STAGE_LABEL, ERR_UNSUPPORTED, OUTCOME_REJECT, "image-unsupported"},

    /* The object was deleted since it was fetched; the tags are no tags to the service. */
    {STAGE_TAG, ERR_NOT_FOUND, OUTCOME_REJECT, "object-missing"},
    {STAGE_TAG, ERR_INVALID, OUTCOME_REJECT, "labels-refused"},
    {STAGE_TAG, ERR_LIMIT, OUTCOME_REJECT, "labels-refused"},

    /* Time mends these. */
    {ANY, ERR_MEMORY, OUTCOME_RETRY, "out-of-memory"},
    {ANY, ERR_TIMEOUT, OUTCOME_RETRY, "timeout"},
    {ANY, ERR_NETWORK, OUTCOME_RETRY, "connection-lost"},
    {ANY, ERR_THROTTLED, OUTCOME_RETRY, "throttled"},
    {ANY, ERR_SERVER, OUTCOME_RETRY, "service-error"},
    {ANY, ERR_CONFLICT, OUTCOME_RETRY, "conflict"},
    {ANY, ERR_PROTOCOL, OUTCOME_RETRY, "protocol-error"},
    {ANY, ERR_CANCELLED, OUTCOME_RETRY, "cancelled"},

    /* An operator mends these. */
    {ANY, ERR_DENIED, OUTCOME_RETRY, "access-denied"},
    {ANY, ERR_EXPIRED, OUTCOME_RETRY, "credentials-expired"},
    {ANY, ERR_CREDENTIALS, OUTCOME_RETRY, "credentials-refused"},
    {ANY, ERR_NO_CONTAINER, OUTCOME_RETRY, "bucket-missing"},
    {ANY, ERR_REFUSED, OUTCOME_RETRY, "request-refused"},
    {ANY, ERR_UNACCEPTABLE, OUTCOME_RETRY, "request-refused"},
    {ANY, ERR_UNSUPPORTED, OUTCOME_RETRY, "not-supported-by-service"},
    {ANY, ERR_IO, OUTCOME_RETRY, "disk-error"},

    /* No object has such a key. */
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
