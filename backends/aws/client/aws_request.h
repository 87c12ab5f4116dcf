/*
 * One call to a service: signed, sent, and retried after transient failures.
 *
 * At most AWS_ATTEMPTS_MAX attempts: after a lost connection, a timeout, 500, 502, 503, 504 or a
 * throttling code, or an unreadable response, with full jitter between them (or the service's
 * Retry-After). Every call may be repeated: it is idempotent or has at-least-once semantics anyway.
 * If the service rejects our clock, the offset is taken from its Date header and the call is
 * retried once, even if the clocks agree and the request was only late. If it
 * rejects the credentials, they are refreshed and the call is sent again. While there are none, the
 * call waits (credential_chain.h). A bucket in another region is requested there (bucket_region.h).
 * Loop thread.
 */
#ifndef THUMBWHEEL_AWS_REQUEST_H
#define THUMBWHEEL_AWS_REQUEST_H

#include <jansson.h>

#include "aws_errors.h"
#include "aws_private.h"
#include "sigv4.h"

enum {
    AWS_ATTEMPTS_MAX = 3,
    AWS_RETRY_BASE_MS = 100,
    AWS_RETRY_CAP_MS = 2000,
    AWS_RETRY_AFTER_MAX_MS = 5000,
    AWS_SETTLE_ATTEMPTS_MAX = 8,
    AWS_SETTLE_DELAY_MS = 1000,
    AWS_RENEWAL_RETRY_MS = 1500,
    AWS_RENEWALS_MAX = 2,
    AWS_RESPONSE_MAX =
        64 * 1024, /* bytes: enough for any response without a payload, and for any error */
};

struct aws_reply {
    struct aws_subject subject; /* the operation, for error messages */
    struct error error; /* code 0 if the status was 2xx and the response valid (aws_validity.h) */
    struct aws_fault fault;               /* the service's error */
    const struct http_response *response; /* NULL if none arrived */
    json_t *object;                       /* of a valid JSON response; else NULL */
};

/* Called once, from a new loop callback; the request is freed when it returns. The reply is
 * borrowed. */
typedef void aws_replied(const struct aws_reply *reply, void *user);

struct aws_call {
    enum aws_service service;
    const char *operation; /* static */
    const char *method;    /* static */
    const char *resource;  /* for error messages; copied */
    const char *url;       /* copied */
    /* what the response must contain (aws_validity.h); copied; NULL: no check */
    const char *mark;
    const struct trace_context *trace; /* copied; NULL: none */
    const char *region; /* for the signature; copied; NULL: the region of struct aws */
    /* Of S3, copied. bucket NULL: a response that it is elsewhere counts as any other error. */
    const char *bucket, *key;
    const struct http_header *headers; /* copied */
    size_t header_count;
    struct bytes body; /* taken, even if the start fails */
    bool unsigned_payload;
    bool settling;       /* the target was created just now and may not be visible everywhere yet */
    bool once;           /* no retry: the caller has its own loop */
    size_t response_max; /* bytes; raised to AWS_RESPONSE_MAX, unless 0: no body */
    enum http_class class;
    unsigned timeout_ms; /* idle and total; 0: the HTTP client's defaults */
    aws_replied *done;
    /* called instead of done if the request is cancelled; NULL: none */
    void (*release)(void *user);
    void *user;
};

struct aws_request {
    struct list link; /* in aws->requests */
    struct aws *aws;
    struct http_exchange *exchange; /* NULL while the retry timer runs */
    uv_timer_t timer;
    bool timer_open;
    struct credential_wait wait; /* while there are no credentials */
    unsigned generation;         /* of the credentials that it was signed with */
    unsigned renewals;           /* times that it waited for other keys */
    bool clock_corrected;
    unsigned attempts;
    struct aws_call call; /* with its own strings and headers */
    void *texts;          /* their memory */
    struct trace_context trace;
    char payload_hash[SIGV4_HEX_SIZE];
    char *moved_url; /* for a bucket in another region (bucket_region.h); NULL: as asked */
    char moved_region[REGION_SIZE_MAX];
};

/* On error (ERR_MEMORY, ERR_INVALID) neither done nor release is called. *out may be NULL. */
int aws_request_start(struct aws *aws, struct aws_call *call, struct aws_request **out);
void aws_request_cancel(struct aws_request *request);

#endif
