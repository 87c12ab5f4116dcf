/* Dispatches a request: what it may do, and whether it is implemented. */
#include "s3_api.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fault_injection.h"
#include "object_store.h"
#include "s3_access.h"
#include "s3_address.h"
#include "s3_cors.h"
#include "s3_handlers.h"
#include "s3_headers.h"
#include "s3_region.h"
#include "s3_routes.h"
#include "utf8.h"

static enum s3_error check_key(const struct s3_request *request)
{
    if (strlen(request->key) > OBJECT_KEY_MAX)
        return S3_KEY_TOO_LONG;
    bool good = utf8_length(request->key) >= 0 && !s3_key_climbs(request->key);
    return good ? S3_OK : S3_INVALID_URI;
}

static void respond_bad_key(struct s3_request *request, enum s3_error error)
{
    if (error == S3_KEY_TOO_LONG) {
        s3_detail_number(request, "Size", strlen(request->key));
        s3_detail_number(request, "MaxSizeAllowed", OBJECT_KEY_MAX);
    }
    s3_respond_error(request, error, NULL);
}

static void respond_no_method(struct s3_request *request)
{
    const char *type = *request->key ? "OBJECT" : *request->bucket ? "BUCKET" : "SERVICE";
    s3_respond_no_method(request, type, NULL, 0);
}

static void respond_not_implemented(struct s3_request *request, const char *operation)
{
    char message[96];
    snprintf(message, sizeof message, "%s is not implemented.", operation);
    s3_respond_error(request, S3_NOT_IMPLEMENTED, message);
}

static void respond_unknown_parameter(struct s3_request *request, const char *operation,
                                      const char *name)
{
    char message[256];
    snprintf(message, sizeof message, "The query parameter \"%.100s\" of %s is not implemented.",
             name, operation);
    s3_respond_error(request, S3_NOT_IMPLEMENTED, message);
}

static void respond_unknown_header(struct s3_request *request, const char *operation,
                                   struct slice name)
{
    static const char checksum[] = "x-amz-checksum-";
    char message[256];
    if (name.size >= sizeof checksum - 1 &&
        strncasecmp(name.data, checksum, sizeof checksum - 1) == 0) {
        s3_respond_error(request, S3_INVALID_REQUEST,
                         "The algorithm type you specified in x-amz-checksum- header is invalid.");
        return;
    }
    snprintf(message, sizeof message, "The header %.*s of %s is not implemented.",
             name.size > 100 ? 100 : (int)name.size, name.data, operation);
    s3_respond_error(request, S3_NOT_IMPLEMENTED, message);
}

static void run(struct s3_request *request, const struct s3_route *route)
{
    const char *operation = s3_route_operation(route);
    const char *unknown = s3_route_unknown_parameter(route, request);
    struct slice header = s3_unknown_header(request);
    enum s3_error error = check_key(request);
    if (error)
        respond_bad_key(request, error);
    else if (!s3_region_check(request, operation))
        ; /* an error was sent */
    else if (!s3_access_check(request, operation))
        ; /* an error was sent */
    else if (!s3_route_handler(route))
        respond_not_implemented(request, operation);
    else if (unknown)
        respond_unknown_parameter(request, operation, unknown);
    else if (header.data)
        respond_unknown_header(request, operation, header);
    else
        s3_route_handler(route)(request);
}

static void s3_api_handle(struct cloud_request *base)
{
    struct s3_request *request = s3_request_create(base);
    if (!request)
        return;
    if (s3_is_method(request, "OPTIONS")) {
        snprintf(base->operation, sizeof base->operation, "Preflight");
        s3_preflight(request);
        return;
    }
    const struct s3_route *route = s3_route_find(request);
    if (request->control && !*request->bucket) {
        respond_not_implemented(request, "S3 Control");
        return;
    }
    if (!route) {
        respond_no_method(request);
        return;
    }
    slice_copy(slice_of(s3_route_operation(route)), base->operation, sizeof base->operation);
    request->resource = s3_route_resource(route);
    if (!fault_inject(base, WIRE_S3, request->bucket))
        run(request, route);
}

const struct cloud_service cloud_s3 = {
    .name = "s3",
    .title = "S3",
    .operations = s3_operation_row,
    .handle = s3_api_handle,
    .allows_page = s3_cors_allows_page,
    .fill_refusal = s3_cors_fill_refusal,
};
