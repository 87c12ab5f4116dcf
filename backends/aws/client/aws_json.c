#include "aws_json.h"
#include "json_text.h"
#include "json_write.h"

enum {
    BODY_MAX = 8 * 1024 * 1024
}; /* a batch of 1 MiB with each byte escaped as \u00XX, plus the surrounding JSON */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int aws_json_start(struct aws *aws, const struct aws_json_call *call, struct aws_request **out)
{
    char target[96], type[40];
    snprintf(type, sizeof type, "application/x-amz-json-%s", call->version ? call->version : "1.0");
    snprintf(target, sizeof target, "%s.%s", call->target, call->operation);
    const struct http_header headers[] = {
        {"content-type", type},
        {"x-amz-target", target},
    };
    struct buffer text;
    buffer_init(&text, BODY_MAX);
    int code = call->body ? json_write(call->body, &text) : ERR_MEMORY;
    json_decref(call->body);
    if (code) {
        buffer_free(&text);
        return code;
    }
    struct aws_call request = {
        .service = call->service,
        .operation = call->operation,
        .method = "POST",
        .resource = call->resource,
        .url = call->url,
        .trace = call->trace,
        .region = call->region,
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
        .body = buffer_take(&text),
        .settling = call->settling,
        .once = call->once,
        .response_max = call->response_max,
        .class = call->class,
        .timeout_ms = call->timeout_ms,
        .done = call->done,
        .release = call->release,
        .user = call->user,
    };
    return aws_request_start(aws, &request, out);
}

json_t *aws_json_response(const struct aws_reply *reply, struct error *error)
{
    *error = reply->error;
    return error->code ? NULL : json_incref(reply->object);
}

uint64_t aws_json_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    const char *text = json_string_value(value);
    return text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
}
