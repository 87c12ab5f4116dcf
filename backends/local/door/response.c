#include "response.h"

#include <string.h>

#include "browser_guard.h"
#include "fault_injection.h"

enum { HEADERS_MAX = 128 };

/* The headers of a response, with those for browsers: `headers`, or `room`. */
static const struct http_header *guard(const struct cloud_request *request,
                                       const struct http_header *headers, size_t *count,
                                       struct http_header room[HEADERS_MAX])
{
    if (!browser_guard_displays(request->call) || *count > HEADERS_MAX - BROWSER_GUARD_HEADERS)
        return headers;
    if (*count)
        memcpy(room, headers, *count * sizeof *headers);
    memcpy(room + *count, browser_guard_headers, sizeof browser_guard_headers);
    *count += BROWSER_GUARD_HEADERS;
    return room;
}

void response_send(struct cloud_request *request, const struct http_header *headers, size_t count,
                   struct bytes *body)
{
    struct http_header room[HEADERS_MAX];
    const struct http_header *all = guard(request, headers, &count, room);
    if (fault_changes_body(request))
        fault_response_send(request->fault, all, count, body);
    else
        http_call_respond(request->call, request->status, all, count, body);
}

void response_send_text(struct cloud_request *request, const struct http_header *headers,
                        size_t count, struct buffer *text)
{
    struct bytes body = text->error ? bytes_borrow("", 0) : buffer_take(text);
    if (text->error)
        request->status = 500;
    buffer_free(text);
    response_send(request, headers, count, &body);
}

void response_begin(struct cloud_request *request, const struct http_header *headers, size_t count,
                    int64_t content_length)
{
    struct http_header room[HEADERS_MAX];
    const struct http_header *all = guard(request, headers, &count, room);
    if (fault_changes_body(request))
        fault_response_begin(request->fault, all, count, content_length);
    else
        http_call_begin(request->call, request->status, all, count, content_length);
}

void response_write(struct cloud_request *request, struct bytes *piece, http_call_drained *drained,
                    void *user)
{
    if (fault_changes_body(request))
        fault_response_write(request->fault, piece, drained, user);
    else
        http_call_write(request->call, piece, drained, user);
}

void response_end(struct cloud_request *request)
{
    if (fault_changes_body(request))
        fault_response_end(request->fault);
    else
        http_call_end(request->call);
}
