#include "json_response.h"

#include "json_write.h"
#include "response.h"

enum {
    RESPONSE_MAX = 64 * 1024 * 1024
}; /* ten messages of 1 MiB with each byte escaped as \u00XX */

void json_response_send(struct cloud_request *request, const char *content_type, int status,
                        const json_t *document, const char *query_error)
{
    struct buffer text;
    buffer_init(&text, RESPONSE_MAX);
    bool written = document && !json_write(document, &text);
    if (!written)
        buffer_free(&text);
    struct bytes body = buffer_take(&text);
    const struct http_header headers[] = {
        {"Content-Type", content_type},
        {"x-amzn-RequestId", request->id},
        {"x-amzn-query-error", query_error},
    };
    request->status = written ? status : 500;
    response_send(request, headers, query_error ? 3 : 2, &body);
}
