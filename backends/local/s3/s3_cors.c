#include "s3_cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "browser_guard.h"
#include "s3_address.h"
#include "s3_handlers.h"

enum { HEADERS_TEXT_MAX = 8 * 1024 };

static const char vary[] = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

static void put(struct cors_headers *response, const char *name, const char *value)
{
    response->list[response->count++] = (struct http_header){name, value};
}

static const struct cors *cors_of(const struct cloud *cloud, const char *name)
{
    struct bucket bucket;
    if (!buckets_find(cloud->buckets, name, &bucket))
        return NULL;
    return bucket.settings[BUCKET_CORS].read;
}

/* A preflight is checked for the method that it requests. */
static struct slice method_of(const struct http_call *call, struct slice *headers)
{
    struct slice method = http_call_method(call);
    *headers = (struct slice){0};
    if (!slice_equal_text(method, "OPTIONS"))
        return method;
    *headers = http_call_header(call, "access-control-request-headers");
    return http_call_header(call, "access-control-request-method");
}

/* The gallery uploads with PUT and reads the ETags of parts. */
static const struct cors_rule gallery_rule = {
    .methods_line = "GET, HEAD, PUT", .exposed_line = "ETag", .max_age_s = 3600};

static bool gallery_may(const struct cloud *cloud, struct slice origin, struct slice method)
{
    return cloud->gallery_port && origin.size &&
           (slice_equal_text(method, "GET") || slice_equal_text(method, "HEAD") ||
            slice_equal_text(method, "PUT")) &&
           browser_guard_is_gallery(origin, *cloud->gallery_port, cloud->gallery_origins);
}

/* The rule for a request or the preflight of one: of the bucket, or for the gallery. */
static const struct cors_rule *rule_find(const struct cloud *cloud, const struct cors *cors,
                                         const struct http_call *call, bool *any)
{
    struct slice origin = http_call_header(call, "origin"), headers;
    struct slice method = method_of(call, &headers);
    *any = false;
    if (!origin.size || origin.size >= CORS_ORIGIN_MAX || !method.size)
        return NULL;
    const struct cors_rule *rule = cors ? cors_find(cors, origin, method, headers, any) : NULL;
    return rule || !gallery_may(cloud, origin, method) ? rule : &gallery_rule;
}

static void allow(struct cors_headers *response, const struct cors_rule *rule, struct slice origin,
                  bool any)
{
    snprintf(response->origin, sizeof response->origin, "%.*s", (int)origin.size, origin.data);
    put(response, "Access-Control-Allow-Origin", any ? "*" : response->origin);
    put(response, "Access-Control-Allow-Methods", rule->methods_line);
    if (*rule->exposed_line)
        put(response, "Access-Control-Expose-Headers", rule->exposed_line);
    if (!any)
        put(response, "Access-Control-Allow-Credentials", "true");
    if (rule->max_age_s < 0)
        return;
    snprintf(response->max_age, sizeof response->max_age, "%d", rule->max_age_s);
    put(response, "Access-Control-Max-Age", response->max_age);
}

void s3_cors_fill(struct cors_headers *response, const struct cloud *cloud,
                  const struct http_call *call, const char *bucket)
{
    const struct cors *cors = bucket ? cors_of(cloud, bucket) : NULL;
    bool any;
    response->count = 0;
    const struct cors_rule *rule = rule_find(cloud, cors, call, &any);
    if (cors || rule)
        put(response, "Vary", vary);
    if (rule)
        allow(response, rule, http_call_header(call, "origin"), any);
}

static bool bucket_exists(const char *name, void *user)
{
    struct bucket bucket;
    return buckets_find(((const struct cloud *)user)->buckets, name, &bucket);
}

/* The bucket of a call, for free(); NULL: none. */
static char *bucket_of(const struct cloud *cloud, const struct http_call *call)
{
    struct s3_address address = {0};
    int code = s3_address_parse(http_call_header(call, "host"), http_call_path(call), bucket_exists,
                                (void *)(uintptr_t)cloud, &address);
    free(address.key);
    if (!code)
        return address.bucket;
    free(address.bucket);
    return NULL;
}

void s3_cors_fill_refusal(struct cors_headers *response, const struct cloud *cloud,
                          const struct http_call *call)
{
    char *bucket = bucket_of(cloud, call);
    s3_cors_fill(response, cloud, call, bucket);
    free(bucket);
}

bool s3_cors_allows_page(const struct cloud *cloud, const struct http_call *call)
{
    if (browser_guard_is_opaque(call))
        return true;
    char *bucket = bucket_of(cloud, call);
    bool any;
    bool allowed = rule_find(cloud, bucket ? cors_of(cloud, bucket) : NULL, call, &any) != NULL;
    free(bucket);
    return allowed;
}

/* The preflight. */

static const char *why_not(const struct http_call *call)
{
    struct slice method = http_call_header(call, "access-control-request-method");
    if (!http_call_header(call, "origin").size)
        return "Insufficient information. Origin request header needed.";
    return method.size ? NULL : "Invalid Access-Control-Request-Method: null";
}

static void respond_allowed(struct s3_request *request)
{
    struct slice names = s3_header(request, "access-control-request-headers");
    char *text = names.size && names.size <= HEADERS_TEXT_MAX ? slice_dup(names) : NULL;
    struct http_header header = {"Access-Control-Allow-Headers", text};
    s3_respond_empty(request, 200, &header, text ? 1 : 0);
    free(text);
}

/* s3_respond_… adds the headers that the rules allow. */
void s3_preflight(struct s3_request *request)
{
    static const char refused[] =
        "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of "
        "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers "
        "are not whitelisted by the resource's CORS spec.";
    const struct http_call *call = request->base->call;
    const char *problem = why_not(call);
    const struct cors *cors = cors_of(request->cloud, request->bucket);
    bool any;
    if (problem)
        s3_respond_error(request, S3_BAD_REQUEST, problem);
    else if (rule_find(request->cloud, cors, call, &any))
        respond_allowed(request);
    else if (!cors)
        s3_respond_error(request, S3_ACCESS_FORBIDDEN,
                         "CORSResponse: CORS is not enabled for this bucket.");
    else
        s3_respond_error(request, S3_ACCESS_FORBIDDEN, refused);
}
