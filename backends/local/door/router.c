#include "router.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "browser_guard.h"
#include "cloud_service.h"
#include "fault_injection.h"
#include "hash.h"
#include "health.h"
#include "request_log.h"
#include "router_refusal.h"
#include "signature_check.h"
#include "signature_fields.h"
#include "spare_blocks.h"
#include "utf8.h"
#include "uuid.h"

/* A request can contain at most 1 MiB of messages: 3 MiB as a form with each byte as %XX, 6 MiB as
 * JSON with each byte as \u00XX. */
enum { BODY_MAX = 8 * 1024 * 1024 };

enum { UNSIGNED_FORM_MAX = 32 * 1024 }; /* a web identity token has at most 20 000 characters */

struct routed {
    struct cloud_request request;
    enum router_wire wire;
    uint64_t started; /* uv_hrtime */
    struct signed_request signed_request;
    char payload_hash[96]; /* "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" is the longest */
    struct signature_claim claim;
    struct sigv4_header headers[]; /* the number of services */
};

static void routed_ended(struct http_call *call, bool completed, void *user)
{
    (void)call;
    struct routed *r = user;
    struct cloud_request *request = &r->request;
    if (request->ended)
        request->ended(request, completed);
    if (request->cloud->request_log) {
        utf8_repair(request->operation); /* as sent, possibly truncated */
        utf8_repair(request->resource);
        if (request->key)
            utf8_repair(request->key);
        struct request_line line = {
            .service = r->request.service ? r->request.service->name : "",
            .operation = request->operation,
            .resource = request->resource,
            .key = request->key ? request->key : "",
            .status = request->status,
            .fault = fault_injected(request),
            .microseconds = (uv_hrtime() - r->started) / 1000,
        };
        request_log_add(request->cloud->request_log, &line);
    }
    fault_release(request);
    bytes_free(&request->body);
    free(request->key);
    signature_claim_end(&r->claim);
    block_free(r);
}

void cloud_request_note_key(struct cloud_request *request, const char *key)
{
    if (!request->cloud->request_log)
        return;
    free(request->key);
    request->key = strdup(key); /* not logged if memory is short */
}

static bool headers_copy(struct routed *r)
{
    struct http_call *call = r->request.call;
    size_t count = http_call_header_count(call);
    if (count > SIGNED_REQUEST_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        http_call_header_at(call, i, &r->headers[i].name, &r->headers[i].value);
    r->signed_request = (struct signed_request){http_call_method(call), http_call_path(call),
                                                http_call_query(call), r->headers, count};
    return true;
}

static const struct cloud_service *service_find(const struct cloud *cloud, const char *name)
{
    for (const struct cloud_service *const *s = cloud->services; *s; s++) {
        if (strcmp((*s)->name, name) == 0)
            return *s;
    }
    return NULL;
}

static const struct cloud_service *public_service(const struct cloud_request *request)
{
    for (const struct cloud_service *const *s = request->cloud->services; *s; s++) {
        if ((*s)->is_public && (*s)->is_public(request))
            return *s;
    }
    return NULL;
}

static bool looks_like_form(const struct signed_request *signed_request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    struct slice type = signed_request_header(signed_request, "content-type");
    bool post = slice_equal_text(signed_request->method, "POST") && type.size >= sizeof form - 1 &&
                strncasecmp(type.data, form, sizeof form - 1) == 0;
    return post || slice_starts_with(signed_request->query, "Action=");
}

static void service_choose(struct routed *r)
{
    bool target = signed_request_header(&r->signed_request, "x-amz-target").data != NULL;
    if (r->claim.service[0])
        r->request.service = service_find(r->request.cloud, r->claim.service);
    else
        r->request.service = service_find(
            r->request.cloud, target || looks_like_form(&r->signed_request) ? "sqs" : "s3");
    r->wire = r->request.service && !r->request.service->collects ? WIRE_S3
              : target                                            ? WIRE_JSON
                                                                  : WIRE_QUERY;
}

static bool claim_check(struct routed *r, enum signature_code code)
{
    if (code != SIGNATURE_OK)
        router_refuse_signature(
            &(struct router_signature){&r->request, &r->signed_request, &r->claim}, r->wire, code);
    return code == SIGNATURE_OK;
}

static bool hash_copy(struct routed *r, struct slice text)
{
    if (text.size >= sizeof r->payload_hash)
        return false;
    memcpy(r->payload_hash, text.data, text.size);
    r->payload_hash[text.size] = '\0';
    return true;
}

/* S3 streams the body, so the signature covers the hash in the header; S3 itself checks that the
 * body matches it. */
static void streamed_handle(struct routed *r)
{
    struct cloud_request *request = &r->request;
    struct slice stated = signed_request_header(&r->signed_request, "x-amz-content-sha256");
    if (!stated.data && !r->claim.presigned) {
        router_refuse(request, r->wire, 400, "InvalidRequest",
                      "Missing required header for this request: x-amz-content-sha256");
        return;
    }
    if (!stated.data)
        stated = SLICE_LITERAL(SIGV4_UNSIGNED_PAYLOAD);
    if (!hash_copy(r, stated)) {
        router_refuse(request, r->wire, 400, "InvalidRequest",
                      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a "
                      "valid sha256 value.");
        return;
    }
    request->payload_hash = r->payload_hash;
    if (claim_check(r, signature_verify(&r->signed_request, &r->claim, r->payload_hash)))
        r->request.service->handle(request);
}

/* Unsigned: S3 applies the bucket's policy, and some S3 requests are never signed. */
static void unsigned_handle(struct routed *r)
{
    struct slice stated = signed_request_header(&r->signed_request, "x-amz-content-sha256");
    if (!stated.data || !hash_copy(r, stated))
        hash_copy(r, SLICE_LITERAL(SIGV4_UNSIGNED_PAYLOAD));
    r->request.payload_hash = r->payload_hash;
    r->request.service->handle(&r->request);
}

static void body_collected(struct http_call *call, struct bytes *body, void *user)
{
    (void)call;
    struct routed *r = user;
    struct cloud_request *request = &r->request;
    struct slice stated = signed_request_header(&r->signed_request, "x-amz-content-sha256");
    request->body = bytes_take(body);
    sha256_hex(request->body.data, request->body.size, r->payload_hash);
    request->payload_hash = r->payload_hash;
    enum signature_code code =
        stated.data && !slice_equal_text(stated, r->payload_hash)
            ? SIGNATURE_MISMATCH
            : signature_verify(&r->signed_request, &r->claim, r->payload_hash);
    if (claim_check(r, code))
        r->request.service->handle(request);
}

static void collected_handle(struct routed *r)
{
    int64_t length = http_call_content_length(r->request.call);
    if (length > BODY_MAX && r->request.service->refuse_size)
        r->request.service->refuse_size(&r->request);
    else
        http_call_collect(r->request.call, BODY_MAX, body_collected, r);
}

/* ---- forms that are never signed ---- */

static bool form_has_action(struct slice form, const char *action)
{
    char field[96];
    const int size = snprintf(field, sizeof field, "Action=%s", action);
    for (size_t i = 0; i + (size_t)size <= form.size; i++) {
        const bool starts = i == 0 || form.data[i - 1] == '&';
        const size_t end = i + (size_t)size;
        if (starts && memcmp(form.data + i, field, (size_t)size) == 0 &&
            (end == form.size || form.data[end] == '&'))
            return true;
    }
    return false;
}

static void form_collected(struct http_call *call, struct bytes *body, void *user)
{
    (void)call;
    struct routed *r = user;
    struct cloud_request *request = &r->request;
    const struct slice form = {body->size ? body->data : "", body->size};
    for (const struct cloud_service *const *s = request->cloud->services; *s; s++) {
        if ((*s)->unsigned_action && form_has_action(form, (*s)->unsigned_action)) {
            request->service = *s;
            request->body = bytes_take(body);
            (*s)->handle(request);
            return;
        }
    }
    claim_check(r, SIGNATURE_MISSING);
}

static bool is_short_form(const struct routed *r)
{
    int64_t length = http_call_content_length(r->request.call);
    return slice_equal_text(r->signed_request.method, "POST") &&
           looks_like_form(&r->signed_request) && length > 0 && length <= UNSIGNED_FORM_MAX;
}

/* The name comes from a signature whose scope is well-formed. */
static void service_refuse(struct routed *r)
{
    char text[160];
    snprintf(text, sizeof text,
             "service \"%.40s\" is not emulated; the embedded cloud has s3, sqs, sns, events, "
             "rekognition and sts",
             r->claim.service);
    router_refuse(&r->request, r->wire, 501, "NotImplemented", text);
}

/* ---- browsers ---- */

enum { HOST_SHOWN = 128 };

static bool host_refuse(struct routed *r)
{
    struct cloud_request *request = &r->request;
    struct slice host = signed_request_header(&r->signed_request, "host");
    char text[400];
    if (browser_guard_host(host, request->cloud->host_names))
        return false;
    snprintf(text, sizeof text,
             "The host name %.*s is not one of this server's. If it is, start the server with "
             "--host-name and that name.",
             host.size < HOST_SHOWN ? (int)host.size : HOST_SHOWN, host.data);
    router_refuse(request, r->wire, 403, "AccessDenied", text);
    return true;
}

static bool page_refuse(struct routed *r)
{
    struct cloud_request *request = &r->request;
    const struct cloud_service *service = request->service;
    bool tls = strncmp(request->cloud->endpoint, "https:", strlen("https:")) == 0;
    if (!browser_guard_is_page(request->call, tls))
        return false;
    if (service && service->allows_page && service->allows_page(request->cloud, request->call))
        return false;
    router_refuse(request, r->wire, 403, "AccessDenied",
                  "A web page of another origin made this request. Only S3 can allow it, by the "
                  "CORS rules of the bucket.");
    return true;
}

static void routed_start(struct routed *r)
{
    struct cloud_request *request = &r->request;
    if (!headers_copy(r)) {
        router_refuse(request, WIRE_S3, 400, "InvalidRequest", "The request has too many headers.");
        return;
    }
    /* A browser sends a preflight request before a signed one, which may be presigned; the
     * preflight itself is never signed. */
    bool preflight = slice_equal_text(r->signed_request.method, "OPTIONS");
    enum signature_code code =
        preflight ? SIGNATURE_MISSING
                  : signature_claim(request->cloud->access_keys, &r->signed_request,
                                    (int64_t)time(NULL), &r->claim);
    service_choose(r);
    if (host_refuse(r))
        return;
    const struct cloud_service *public = code == SIGNATURE_MISSING ? public_service(request) : NULL;
    if (public) {
        request->service = public;
        public->handle_public(request);
        return;
    }
    if (!preflight && page_refuse(r))
        return;
    if (code == SIGNATURE_MISSING && health_respond(request))
        return;
    if (code == SIGNATURE_MISSING && r->request.service && !r->request.service->collects) {
        unsigned_handle(r);
        return;
    }
    if (code == SIGNATURE_MISSING && is_short_form(r)) {
        http_call_collect(request->call, UNSIGNED_FORM_MAX, form_collected, r);
        return;
    }
    if (!claim_check(r, code))
        return;
    request->caller = r->claim.key;
    access_key_account(request->caller, request->account);
    request->home.account = request->account;
    if (!r->claim.version2) {
        request->home.region = r->claim.region;
        request->region_signed = true;
    }
    if (!r->request.service)
        service_refuse(r);
    else if (r->request.service->collects)
        collected_handle(r);
    else
        streamed_handle(r);
}

void router_handle(struct http_call *call, void *user)
{
    size_t count = http_call_header_count(call);
    if (count > SIGNED_REQUEST_HEADERS_MAX)
        count = 0; /* they are refused */
    struct routed *r = block_new(sizeof *r + count * sizeof *r->headers);
    if (!r) {
        http_call_abort(call);
        return;
    }
    /* not the session: it is large, and most requests have none */
    memset(r, 0, offsetof(struct routed, claim) + offsetof(struct signature_claim, session));
    r->started = uv_hrtime();
    r->request.cloud = user;
    r->request.home = (struct arn_home){r->request.cloud->region, r->request.cloud->account};
    r->request.call = call;
    uuid_make_text(r->request.id);
    http_call_on_end(call, routed_ended, r);
    routed_start(r);
}
