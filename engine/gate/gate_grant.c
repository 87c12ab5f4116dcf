/* What uploads and downloads have in common: who may, and presigning. */
#include "gate_private.h"

#include <string.h>
#include <strings.h>

#include "wall_clock.h"

enum { RETRY_S = 5, FAILURE_LOG_MS = 10000 };

/* ---- tokens ---- */

/* "Bearer TOKEN" (RFC 6750). */
static bool bearer_read(struct slice header, struct slice *token)
{
    static const char scheme[] = "bearer ";
    const size_t size = sizeof scheme - 1;
    if (header.size <= size || strncasecmp(header.data, scheme, size) != 0)
        return false;
    *token = (struct slice){header.data + size, header.size - size};
    while (token->size && token->data[0] == ' ')
        *token = (struct slice){token->data + 1, token->size - 1};
    return token->size > 0;
}

struct gate_token *gate_admit(struct gate_call *call, enum gate_scope scope)
{
    struct gate *gate = call->gate;
    struct slice text;
    unsigned retry_s = 0;
    const bool given = bearer_read(http_call_header(call->http, "authorization"), &text);
    struct gate_token *token = given ? gate_tokens_find(&gate->file.tokens, text) : NULL;
    if (!token || !gate_token_is_current(token, wall_clock_ms() / 1000)) {
        gate_refuse(call, GATE_RESULT_UNAUTHORIZED, 401, "unauthorized",
                    given ? "the token is unknown or has expired"
                          : "a token is required: send the header Authorization: Bearer TOKEN");
        return NULL;
    }
    if (!(token->scopes & scope)) {
        gate_refuse(call, GATE_RESULT_FORBIDDEN, 403, "forbidden", "this token may not %s",
                    scope == GATE_UPLOAD ? "upload" : "download");
        return NULL;
    }
    if (!gate_token_take(token, uv_now(gate->loop), &retry_s)) {
        gate_refuse_for(call, GATE_RESULT_LIMITED, 429, "rate_limited", retry_s,
                        "this token makes too many requests; wait as Retry-After says");
        return NULL;
    }
    memcpy(call->token, token->name, sizeof call->token);
    return token;
}

/* ---- presigning ---- */

static void unavailable(struct gate_call *call, const struct error *error)
{
    struct log_gate *lines = &call->gate->failures;
    if (log_gate_open(lines, uv_now(call->gate->loop), FAILURE_LOG_MS))
        log_warn("nothing could be presigned", LOG_TEXT("error", error->text),
                 LOG_SUPPRESSED(lines));
    gate_refuse_for(call, GATE_RESULT_UNAVAILABLE, 503, "unavailable", RETRY_S,
                    "the store can't be used now; try again later");
}

static void on_call_located(const struct error *error, void *user)
{
    struct gate_call *call = user;
    call->locating = NULL;
    if (error->code) {
        unavailable(call, error);
        return;
    }
    *call->located = true;
    gate_grant(call);
}

static int call_locate(struct gate_call *call, struct error *error)
{
    struct object_store *store = call->gate->options.store;
    call->asked = true;
    const int code =
        store->ops->locate(store, call->place->bucket, on_call_located, call, &call->locating);
    return code ? error_set(error, code, "the bucket can't be looked for (%s)", error_name(code))
                : 0;
}

void gate_grant(struct gate_call *call)
{
    struct error error = {0};
    int code = *call->located ? call->grant(call, &error) : ERR_CREDENTIALS;
    if (code == ERR_CREDENTIALS && !call->asked)
        code = call_locate(call, &error);
    if (code)
        unavailable(call, &error);
}

int64_t gate_end_of(const struct object_validity *valid)
{
    const int64_t end = valid->credentials_expire_s;
    return end && end < valid->expires_s ? end : valid->expires_s;
}
