#include "router_refusal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "call_protocol.h"
#include "cloud_service.h"
#include "query_error_document.h"
#include "response.h"
#include "s3_error_document.h"
#include "signature_explain.h"
#include "utf8.h"

enum { TEXT_MAX = 512, ELEMENTS_MAX = 1024 * 1024, DOCUMENT_MAX = ELEMENTS_MAX + 64 * 1024 };

struct signature_refusal {
    const char *s3_code;
    int s3_status;
    const char *query_code;
    int query_status;
    const char *json_type;
    const char *text; /* NULL: the claim's detail; "": clock_text */
    const char *s3_text;
};

/* Sources: for S3, minio/minio, cmd/api-errors.go, and localstack/localstack, presigned_url.py, whose
 * texts and elements were recorded of the service; "Common Error Types" in the API references of
 * SQS and SNS; for the error messages about a wrong clock, issues 401 and 2565 of aws/aws-sdk-js. */
static const struct signature_refusal refusals[SIGNATURE_CODE_COUNT] = {
    [SIGNATURE_MISSING] =
        {"AccessDenied", 403, "MissingAuthenticationToken", 403,
         "MissingAuthenticationTokenException",
         "Access denied: the request is not signed. Sign it with Signature Version 4 "
         "and the embedded cloud's access key.",
         "Access Denied"},
    [SIGNATURE_MALFORMED] = {NULL, 400, "IncompleteSignature", 400, "IncompleteSignatureException",
                             NULL, NULL},
    [SIGNATURE_UNKNOWN_KEY] = {"InvalidAccessKeyId", 403, "InvalidClientTokenId", 403,
                               "UnrecognizedClientException",
                               "The access key id you provided does not exist in our records.",
                               "The AWS Access Key Id you provided does not exist in our records."},
    [SIGNATURE_BAD_TOKEN] = {"InvalidToken", 400, "InvalidClientTokenId", 403,
                             "UnrecognizedClientException",
                             "The security token included in the request is invalid: it is not "
                             "that of the access key.",
                             "The provided token is malformed or otherwise invalid."},
    [SIGNATURE_TOKEN_EXPIRED] = {"ExpiredToken", 400, "ExpiredToken", 403, "ExpiredTokenException",
                                 "The security token included in the request is expired",
                                 "The provided token has expired."},
    [SIGNATURE_SKEWED] =
        {"RequestTimeTooSkewed", 403, "SignatureDoesNotMatch", 403, "InvalidSignatureException", "",
         "The difference between the request time and the current time is too large."},
    [SIGNATURE_EARLY] = {"AccessDenied", 403, "SignatureDoesNotMatch", 403,
                         "InvalidSignatureException", "", "Request is not valid yet"},
    [SIGNATURE_EXPIRED] = {"AccessDenied", 403, "RequestExpired", 400, "RequestExpiredException",
                           "Request has expired", "Request has expired"},
    [SIGNATURE_UNSIGNED_HEADER] =
        {"AccessDenied", 403, "SignatureDoesNotMatch", 403, "InvalidSignatureException",
         "There were headers present in the request which were not signed: "
         "sign Host and every x-amz- header.",
         "There were headers present in the request which were not signed"},
    [SIGNATURE_MISMATCH] = {"SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", 403,
                            "InvalidSignatureException",
                            "The request signature we calculated does not match the signature you "
                            "provided. Check your secret access key and signing method.",
                            "The request signature we calculated does not match the signature you "
                            "provided. Check your key and signing method."},
};

static void respond(struct cloud_request *request, int status, const char *content_type,
                    const char *query_error, struct buffer *text)
{
    struct cors_headers cors = {.count = 0};
    struct http_header headers[4 + CORS_HEADERS_MAX] = {
        {"Content-Type", content_type},
        {"x-amzn-RequestId", request->id},
        {"x-amz-request-id", request->id},
    };
    size_t count = 3;
    if (query_error)
        headers[count++] = (struct http_header){"x-amzn-query-error", query_error};
    if (request->service && request->service->fill_refusal)
        request->service->fill_refusal(&cors, request->cloud, request->call);
    for (size_t i = 0; i < cors.count; i++)
        headers[count++] = cors.list[i];
    request->status = status;
    response_send_text(request, headers, count, text);
}

static void s3_write(struct cloud_request *request, const char *code, const char *text,
                     struct slice elements, struct buffer *out)
{
    s3_error_document_write(
        out, &(struct s3_error_document){
                 .code = code, .message = text, .elements = elements, .id = request->id});
}

static void query_write(struct cloud_request *request, int status, const char *code,
                        const char *text, struct buffer *out)
{
    query_error_document_write(out,
                               &(struct query_error_document){.declared = true,
                                                              .side = service_error_side(status),
                                                              .code = code,
                                                              .message = text,
                                                              .id = request->id});
}

static void json_write(const char *name, const char *text, struct buffer *out)
{
    char type[128];
    snprintf(type, sizeof type, "com.amazon.coral.service#%s", name);
    json_error_write(out, type, text);
}

/* elements: of S3. */
static void refuse_with(struct cloud_request *request, enum router_wire wire, int status,
                        const char *code, const char *json_type, const char *message,
                        struct slice elements)
{
    char query_error[128], text[TEXT_MAX];
    struct buffer out;
    snprintf(text, sizeof text, "%s", message);
    utf8_repair(text); /* it may quote the request */
    buffer_init(&out, DOCUMENT_MAX);
    snprintf(query_error, sizeof query_error, "%s;%s", code, service_error_side(status));
    if (wire == WIRE_S3)
        s3_write(request, code, text, elements, &out);
    else if (wire == WIRE_JSON)
        json_write(json_type, text, &out);
    else
        query_write(request, status, code, text, &out);
    static const char *const types[] = {"application/xml", "application/x-amz-json-1.0",
                                        "text/xml"};
    respond(request, status, types[wire], wire == WIRE_JSON ? query_error : NULL, &out);
}

/* All services but S3 state the limit that was exceeded. */
static void clock_text(const struct signature_claim *claim, char *out, size_t room)
{
    char now[SIGV4_DATE_SIZE], limit[SIGV4_DATE_SIZE];
    int64_t seconds = time(NULL), signed_at = seconds;
    sigv4_parse_date(slice_of(claim->date), &signed_at);
    bool early = signed_at < seconds;
    sigv4_date(seconds, now);
    sigv4_date(early ? seconds - SIGNATURE_SKEW_S : seconds + SIGNATURE_SKEW_S, limit);
    snprintf(out, room,
             early ? "Signature expired: %s is now earlier than %s (%s - 15 min.)"
                   : "Signature not yet current: %s is still later than %s (%s + 15 min.)",
             claim->date, limit, now);
}

static void refuse_s3(const struct router_signature *signature, enum signature_code code)
{
    const struct signature_refusal *r = &refusals[code];
    const struct signature_claim *claim = signature->claim;
    bool malformed = code == SIGNATURE_MALFORMED;
    bool denied = malformed && strcmp(claim->s3_code, "AccessDenied") == 0;
    struct buffer elements;
    buffer_init(&elements, ELEMENTS_MAX);
    signature_explain(signature->signed_request, claim, signature->request->payload_hash, code,
                      &elements);
    if (elements.error)
        buffer_clear(&elements); /* the message is sufficient */
    refuse_with(signature->request, WIRE_S3, denied ? 403 : r->s3_status,
                malformed ? claim->s3_code : r->s3_code, "",
                malformed ? claim->s3_text : r->s3_text, buffer_slice(&elements));
    buffer_free(&elements);
}

void router_refuse_signature(const struct router_signature *signature, enum router_wire wire,
                             enum signature_code code)
{
    const struct signature_refusal *r = &refusals[code];
    const char *text = r->text ? r->text : signature->claim->detail;
    char clock[160];
    if (wire == WIRE_S3) {
        refuse_s3(signature, code);
        return;
    }
    if (!*text) {
        clock_text(signature->claim, clock, sizeof clock);
        text = clock;
    }
    refuse_with(signature->request, wire, r->query_status, r->query_code, r->json_type, text,
                (struct slice){0});
}

void router_refuse(struct cloud_request *request, enum router_wire wire, int status,
                   const char *code, const char *text)
{
    refuse_with(request, wire, status, code, code, text, (struct slice){0});
}
