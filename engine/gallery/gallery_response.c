#include "gallery_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "json_write.h"
#include "utf8.h"

enum { HEADERS_MAX = 12, MESSAGE_MAX = 640, RETRY_S = 2 };

/* Of every response. */
static size_t headers_begin(const struct gallery_call *call, struct http_header *out)
{
    size_t count = 0;
    if (call->gallery->policy)
        out[count++] = (struct http_header){"Content-Security-Policy", call->gallery->policy};
    out[count++] = (struct http_header){"X-Content-Type-Options", "nosniff"};
    out[count++] = (struct http_header){"Referrer-Policy", "no-referrer"};
    out[count++] = (struct http_header){"Cross-Origin-Opener-Policy", "same-origin"};
    out[count++] = (struct http_header){"Cross-Origin-Resource-Policy", "same-origin"};
    if (call->cookie)
        out[count++] = (struct http_header){"Set-Cookie", call->cookie};
    return count;
}

void gallery_respond(struct gallery_call *call, int status, const struct http_header *extra,
                     size_t extra_count, struct bytes *body)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = headers_begin(call, headers);
    call->gallery->responses[status / 100]++;
    for (size_t i = 0; i < extra_count && i < GALLERY_EXTRA_HEADERS_MAX; i++)
        headers[count++] = extra[i];
    http_call_respond(call->http, status, headers, count, body);
}

static void respond_json(struct gallery_call *call, int status, json_t *body,
                         const struct http_header *extra)
{
    struct http_header headers[GALLERY_EXTRA_HEADERS_MAX] = {{"Content-Type", "application/json"},
                                                             {"Cache-Control", "no-store"}};
    struct buffer text;
    struct bytes bytes = {0};
    buffer_init(&text, GALLERY_RESPONSE_MAX);
    const int code = body ? json_write(body, &text) : ERR_MEMORY;
    json_decref(body);
    if (extra)
        headers[2] = *extra;
    if (!code)
        bytes = buffer_take(&text);
    gallery_respond(call, code ? 503 : status, headers, extra ? 3 : 2, &bytes);
    buffer_free(&text);
}

void gallery_respond_json(struct gallery_call *call, int status, json_t *body)
{
    respond_json(call, status, body, NULL);
}

void gallery_respond_done(struct gallery_call *call)
{
    const struct http_header headers[] = {{"Cache-Control", "no-store"}};
    struct bytes nothing = {0};
    gallery_respond(call, 204, headers, 1, &nothing);
}

static json_t *error_body(const char *code, const char *message)
{
    return json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
}

void gallery_refuse(struct gallery_call *call, int status, const char *code, const char *format,
                    ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    utf8_repair(message); /* it may have been cut within a character */
    respond_json(call, status, error_body(code, message), NULL);
}

void gallery_refuse_for(struct gallery_call *call, int status, const char *code, unsigned retry_s,
                        const char *message)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", retry_s);
    respond_json(call, status, error_body(code, message),
                 &(struct http_header){"Retry-After", seconds});
}

static int status_of(int code)
{
    switch (code) {
    case ERR_NOT_FOUND:
    case ERR_NO_CONTAINER:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_INVALID:
    case ERR_NAME_TOO_LONG:
    case ERR_UNACCEPTABLE:
        return 400;
    case ERR_LIMIT:
        return 413;
    case ERR_UNSUPPORTED:
        return 501;
    case ERR_TIMEOUT:
        return 504;
    case ERR_MEMORY:
    case ERR_THROTTLED:
    case ERR_CREDENTIALS:
    case ERR_EXPIRED:
        return 503;
    default:
        return 502;
    }
}

void gallery_refuse_error(struct gallery_call *call, const struct error *error)
{
    const int status = status_of(error->code);
    const char *text = *error->text ? error->text : error_name(error->code);
    if (status >= 500)
        gallery_refuse_for(call, status, error_name(error->code), RETRY_S, text);
    else
        gallery_refuse(call, status, error_name(error->code), "%s", text);
}

void gallery_stream_begin(struct gallery_call *call, const char *content_type)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = headers_begin(call, headers);
    call->gallery->responses[2]++;
    headers[count++] = (struct http_header){"Content-Type", content_type};
    headers[count++] = (struct http_header){"Cache-Control", "no-store"};
    headers[count++] =
        (struct http_header){"X-Accel-Buffering", "no"}; /* nginx passes it on at once */
    http_call_begin(call->http, 200, headers, count, -1);
}
