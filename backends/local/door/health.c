#include "health.h"

#include <stdio.h>
#include <string.h>

#include "browser_guard.h"
#include "cloud_service.h"
#include "response.h"

enum { BODY_SIZE = 1024 };

static bool is_check(const struct cloud_request *request)
{
    const struct http_call *call = request->call;
    struct slice method = http_call_method(call);
    return (slice_equal_text(method, "GET") || slice_equal_text(method, "HEAD")) &&
           !http_call_query(call).size &&
           browser_guard_is_server(http_call_header(call, "host"), request->cloud->host_names);
}

/* In the form of LocalStack's /_localstack/health. */
static void services_write(const struct cloud *cloud, struct buffer *out)
{
    buffer_text(out, "{\"services\": {");
    for (const struct cloud_service *const *s = cloud->services; *s; s++)
        buffer_format(out, "%s\"%s\": \"running\"", s == cloud->services ? "" : ", ", (*s)->name);
    buffer_text(out, "}, \"edition\": \"thumbwheel\", \"version\": \"" THUMBWHEEL_VERSION "\"}\n");
}

static void services_respond(struct cloud_request *request)
{
    const struct http_header type = {"Content-Type", "application/json"};
    struct buffer text;
    buffer_init(&text, BODY_SIZE);
    services_write(request->cloud, &text);
    request->status = 200;
    response_send_text(request, &type, 1, &text);
}

static void live_respond(struct cloud_request *request)
{
    struct bytes empty = bytes_borrow("", 0);
    request->status = 200;
    response_send(request, NULL, 0, &empty);
}

bool health_respond(struct cloud_request *request)
{
    struct slice path = http_call_path(request->call);
    bool live = slice_equal_text(path, "/minio/health/live");
    bool services =
        slice_equal_text(path, "/health") || slice_equal_text(path, "/_localstack/health");
    if ((!live && !services) || !is_check(request))
        return false;
    request->service = NULL;
    snprintf(request->operation, sizeof request->operation, "HealthCheck");
    if (live)
        live_respond(request);
    else
        services_respond(request);
    return true;
}
