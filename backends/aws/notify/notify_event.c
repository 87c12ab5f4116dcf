/*
 * PutEvents ("PutEvents", EventBridge API Reference). The service responds with 200 even if it has
 * refused the event: FailedEntryCount and the entry itself say so.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "aws_json.h"
#include "container_of.h"
#include "json_text.h"
#include "notify_private.h"
#include "partition.h"

enum { URL_MAX = 2048 };

static void entry_check(const json_t *root, const struct aws_reply *reply, struct error *error)
{
    const json_t *entry = json_array_get(json_object_get(root, "Entries"), 0);
    const char *fault = json_text_in(entry, "ErrorCode");
    const char *why = json_text_in(entry, "ErrorMessage");
    if (fault) {
        int code = aws_kind_of_code(AWS_EVENTS, fault);
        error_set(error, code ? code : ERR_REFUSED, "EventBridge refused the event: %.60s: %.200s",
                  fault, why ? why : "");
    } else if (aws_json_number(root, "FailedEntryCount") || !json_text_in(entry, "EventId")) {
        aws_error_local(error, &reply->subject, ERR_PROTOCOL,
                        "the response does not confirm the event");
    }
}

static void on_put(const struct aws_reply *reply, void *user)
{
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    if (root)
        entry_check(root, reply, &error);
    json_decref(root);
    aws_notice_finish(user, &error);
}

static json_t *body_of(const struct notify_message *what)
{
    const bool done = strcmp(what->type, "photo.done") == 0;
    char trace[TRACE_XRAY_SIZE] = "";
    if (what->trace)
        trace_context_xray(what->trace, trace);
    return json_pack("{s:[{s:s, s:s, s:s, s:s, s:s*}]}", "Entries", "Source", "thumbwheel",
                     "DetailType", done ? "Photo Done" : "Photo Rejected", "Detail",
                     what->document.data, "EventBusName", what->target, "TraceHeader",
                     trace[0] ? trace : NULL);
}

/* The region of a bus that is named by its ARN. */
static int region_of(const struct aws *aws, const char *target, char out[REGION_SIZE_MAX])
{
    struct slice region = slice_of(aws->region);
    if (strncmp(target, "arn:", 4) == 0)
        region = arn_part(target, ARN_REGION);
    if (!region_is_plain(region))
        return ERR_INVALID;
    memcpy(out, region.data, region.size);
    out[region.size] = '\0';
    return 0;
}

static int put(struct aws *aws, const struct notify_message *what, struct aws_notice *request)
{
    char region[REGION_SIZE_MAX];
    struct buffer url;
    buffer_init(&url, URL_MAX);
    int code = region_of(aws, what->target, region);
    if (code)
        goto out;
    endpoint_append(&aws->endpoints, AWS_EVENTS, region, &url);
    code = buffer_byte(&url, '/');
    if (code)
        goto out;
    const struct aws_json_call call = {
        .service = AWS_EVENTS,
        .version = "1.1",
        .target = "AWSEvents",
        .operation = "PutEvents",
        .resource = what->target,
        .url = url.data,
        .trace = what->trace,
        .region = endpoint_region(&aws->endpoints, AWS_EVENTS, region),
        .body = body_of(what),
        .response_max = AWS_RESPONSE_MAX,
        .done = on_put,
        .release = aws_notice_release,
        .user = request,
    };
    code = aws_json_start(aws, &call, &request->request);
out:
    buffer_free(&url);
    return code;
}

int event_bus_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                     void *user, struct notify_request **out)
{
    struct aws_notice *request = aws_notice_new(done, user);
    if (!request)
        return ERR_MEMORY;
    int code = put(container_of(notifier, struct aws, event_buses), what, request);
    if (code)
        free(request);
    else
        *out = &request->seam;
    return code;
}
