/*
 * Sends the embedded cloud's responses: like http_call_respond, _begin, _write and _end, unless a
 * fault was injected into the request (fault_injection.h) that changes the response. All services
 * respond through these functions, with the HTTP status in request->status. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_RESPONSE_H
#define THUMBWHEEL_LOCAL_RESPONSE_H

#include "cloud.h"

void response_send(struct cloud_request *request, const struct http_header *headers, size_t count,
                   struct bytes *body);
/* The same for a text of the server, which it takes. One that could not be written whole becomes a
 * 500 without a body. */
void response_send_text(struct cloud_request *request, const struct http_header *headers,
                        size_t count, struct buffer *text);
void response_begin(struct cloud_request *request, const struct http_header *headers, size_t count,
                    int64_t content_length);
void response_write(struct cloud_request *request, struct bytes *piece, http_call_drained *drained,
                    void *user);
void response_end(struct cloud_request *request);

#endif
