#include "gate_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_write.h"

enum { RESPONSE_MAX = 64 * 1024, MESSAGE_MAX = 320 };

static void respond_short(struct gate_call *call)
{
    struct bytes nothing = {0};
    http_call_respond(call->http, 503, NULL, 0, &nothing);
}

void gate_respond(struct gate_call *call, int status, json_t *body, const struct http_header *extra,
                  size_t extra_count)
{
    struct http_header headers[GATE_HEADERS_MAX] = {{"Content-Type", "application/json"},
                                                    {"Cache-Control", "no-store"},
                                                    {"X-Content-Type-Options", "nosniff"}};
    char *echo = NULL;
    struct buffer text;
    size_t count = 3;
    buffer_init(&text, RESPONSE_MAX);
    count += gate_cors_headers(call, headers + count, &echo);
    for (size_t i = 0; i < extra_count; i++)
        headers[count++] = extra[i];
    const int code = body ? json_write(body, &text) : ERR_MEMORY;
    json_decref(body);
    if (code) {
        respond_short(call);
    } else {
        struct bytes bytes = buffer_take(&text);
        http_call_respond(call->http, status, headers, count, &bytes);
    }
    buffer_free(&text);
    free(echo);
}

static void refuse(struct gate_call *call, enum gate_result result, int status, const char *code,
                   const char *message, const struct http_header *extra, size_t extra_count)
{
    call->gate->results[result]++;
    gate_respond(call, status,
                 json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message), extra,
                 extra_count);
}

void gate_refuse(struct gate_call *call, enum gate_result result, int status, const char *code,
                 const char *format, ...)
{
    char message[MESSAGE_MAX];
    struct http_header extra[1];
    size_t count = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (status == 401)
        extra[count++] = (struct http_header){"WWW-Authenticate", "Bearer realm=\"thumbwheel\""};
    refuse(call, result, status, code, message, extra, count);
}

void gate_refuse_for(struct gate_call *call, enum gate_result result, int status, const char *code,
                     unsigned retry_s, const char *message)
{
    char seconds[16];
    const struct http_header extra[] = {{"Retry-After", seconds}};
    snprintf(seconds, sizeof seconds, "%u", retry_s);
    refuse(call, result, status, code, message, extra, 1);
}
