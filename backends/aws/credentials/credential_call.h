/*
 * One small HTTP request for credentials: few attempts, short time limits. It is sent again after a
 * transport error, 429 and 5xx. What it sends and receives is wiped. Loop thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_CALL_H
#define THUMBWHEEL_AWS_CREDENTIAL_CALL_H

#include "credential_provider.h"

enum {
    CREDENTIAL_CALL_HEADERS_MAX = 8,
    CREDENTIAL_RESPONSE_MAX = 64 * 1024,
    CREDENTIAL_CALL_RETRY_MS = 200,
    CREDENTIAL_CALL_RETRY_CAP_MS = 2000,
};

struct credential_call;

struct credential_request {
    const char *method, *url;          /* static; copied */
    const struct http_header *headers; /* copied */
    size_t header_count;
    char *body; /* taken, even when the start fails; NULL: none */
    unsigned timeout_ms;
    unsigned attempts;
    http_done *done; /* from a fresh loop callback; the call is gone when it returns */
    void *user;
};

/* ERR_MEMORY, ERR_INVALID. */
int credential_call_start(const struct credential_host *host,
                          const struct credential_request *request, struct credential_call **out);
void credential_call_cancel(struct credential_call *call);

struct slice credential_response_body(const struct http_response *response);
/* For a missing or unsuccessful response: ERR_TIMEOUT, ERR_NETWORK, …, ERR_SERVER, ERR_THROTTLED,
 * or `refused` for any other status. The text names the service, and never quotes the body. */
int credential_response_error(const struct http_response *response, int refused, const char *who,
                              struct error *error);

#endif
