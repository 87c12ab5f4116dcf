#include "signature_v2.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "hash.h"
#include "host_bucket.h"
#include "query_text.h"
#include "secret.h"
#include "signature_fields.h"
#include "uri.h"

enum { TEXT_MAX = 64 * 1024, AMZ_HEADERS_MAX = 64, RESOURCES_MAX = 16 };

/* The parameters that are signed: sub-resources, and those that change the response. The list of
 * "Constructing the CanonicalizedResource element", and the later ones that botocore signs
 * (HmacV1Auth, auth.py). Sorted. */
static const char *const resource_names[] = {
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

bool signature_v2_in(struct slice query)
{
    return query_has(query, "AWSAccessKeyId") || query_has(query, "Signature");
}

enum signature_code signature_v2_read(const struct signed_request *request, int64_t now,
                                      struct signature_claim *claim)
{
    char text[24], *end;
    claim->presigned = claim->version2 = true;
    memcpy(claim->service, "s3", sizeof "s3");
    claim->s3_code = "AccessDenied";
    claim->detail = claim->s3_text =
        "Query-string authentication requires the Signature, Expires and "
        "AWSAccessKeyId parameters";
    if (!query_value(request->query, "AWSAccessKeyId", claim->access_key,
                     sizeof claim->access_key) ||
        !query_value(request->query, "Signature", claim->signature, sizeof claim->signature) ||
        !query_value(request->query, "Expires", text, sizeof text))
        return SIGNATURE_MALFORMED;
    long long expires = strtoll(text, &end, 10);
    claim->detail = claim->s3_text = "Invalid date (should be seconds since epoch)";
    if (*end || expires <= 0)
        return SIGNATURE_MALFORMED;
    return expires < now ? SIGNATURE_EXPIRED : SIGNATURE_OK;
}

/* ---- the text that is signed ---- */

/* A header, or the parameter that botocore makes of it when it presigns. */
static void append_header(struct buffer *out, const struct signed_request *request,
                          const char *name)
{
    char value[1024];
    struct slice header = signed_request_header(request, name);
    if (header.data)
        buffer_append(out, header.data, header.size);
    else if (query_value(request->query, name, value, sizeof value))
        buffer_text(out, value);
    buffer_byte(out, '\n');
}

struct amz_header {
    struct slice name, value;
    bool is_encoded; /* in the query */
};

static bool is_amz(struct slice name)
{
    return name.size > 6 && strncasecmp(name.data, "x-amz-", 6) == 0;
}

static int by_name(const void *a, const void *b)
{
    struct slice left = ((const struct amz_header *)a)->name;
    struct slice right = ((const struct amz_header *)b)->name;
    size_t size = left.size < right.size ? left.size : right.size;
    int order = strncasecmp(left.data, right.data, size);
    return order ? order : (left.size > right.size) - (left.size < right.size);
}

/* From the headers and the query. False: there are too many. */
static bool amz_collect(const struct signed_request *request, struct amz_header *out, size_t *count)
{
    struct slice query = request->query, name, value;
    *count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_amz(request->headers[i].name))
            continue;
        if (*count == AMZ_HEADERS_MAX)
            return false;
        out[(*count)++] =
            (struct amz_header){request->headers[i].name, request->headers[i].value, false};
    }
    while (query_next(&query, &name, &value)) {
        if (!is_amz(name))
            continue;
        if (*count == AMZ_HEADERS_MAX)
            return false;
        out[(*count)++] = (struct amz_header){name, value, true};
    }
    return true;
}

static void append_amz(struct buffer *out, const struct amz_header *header)
{
    for (size_t i = 0; i < header->name.size; i++) {
        char c = header->name.data[i];
        buffer_byte(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
    buffer_byte(out, ':');
    if (header->is_encoded)
        uri_decode(out, header->value, false);
    else
        buffer_append(out, header->value.data, header->value.size);
    buffer_byte(out, '\n');
}

static void append_resources(struct buffer *out, struct slice query)
{
    char separator = '?';
    for (size_t i = 0; i < sizeof resource_names / sizeof *resource_names; i++) {
        struct slice rest = query, name, value;
        while (query_next(&rest, &name, &value)) {
            if (!slice_equal_text(name, resource_names[i]))
                continue;
            buffer_byte(out, separator);
            buffer_append(out, name.data, name.size);
            separator = '&';
            if (value.size) { /* "?acl=" is signed as "?acl" */
                buffer_byte(out, '=');
                uri_decode(out, value, false);
            }
        }
    }
}

/* bucket: of the host name; empty if it is in the path. */
static bool text_write(const struct signed_request *request, const char *expires,
                       struct slice bucket, struct buffer *out)
{
    struct amz_header headers[AMZ_HEADERS_MAX];
    size_t count;
    if (!amz_collect(request, headers, &count))
        return false;
    qsort(headers, count, sizeof *headers, by_name);
    buffer_append(out, request->method.data, request->method.size);
    buffer_byte(out, '\n');
    append_header(out, request, "content-md5");
    append_header(out, request, "content-type");
    buffer_format(out, "%s\n", expires);
    for (size_t i = 0; i < count; i++)
        append_amz(out, &headers[i]);
    if (bucket.size) {
        buffer_byte(out, '/');
        buffer_append(out, bucket.data, bucket.size);
    }
    buffer_append(out, request->path.data, request->path.size);
    append_resources(out, request->query);
    return !out->error;
}

/* ---- the signature ---- */

static bool is_signature_of(struct slice text, const char *signature, const char *secret_key)
{
    uint8_t mac[SHA1_SIZE];
    char expected[SIGNATURE_V2_SIZE];
    hmac_sha1(secret_key, strlen(secret_key), text.data, text.size, mac);
    base64_write(mac, sizeof mac, expected);
    bool same = strlen(signature) == SIGNATURE_V2_SIZE - 1 &&
                secret_equal(signature, expected, SIGNATURE_V2_SIZE - 1);
    secret_wipe(mac, sizeof mac);
    secret_wipe(expected, sizeof expected);
    return same;
}

bool signature_v2_text_matches(const char *text, const char *signature, const char *secret_key)
{
    return is_signature_of(slice_of(text), signature, secret_key);
}

static bool text_for(const struct signed_request *request, struct slice bucket, struct buffer *out)
{
    char expires[24];
    return query_value(request->query, "Expires", expires, sizeof expires) &&
           text_write(request, expires, bucket, out);
}

static bool matches_with(const struct signed_request *request, const struct signature_claim *claim,
                         struct slice bucket, const char *secret_key)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    bool same = text_for(request, bucket, &text) &&
                is_signature_of(buffer_slice(&text), claim->signature, secret_key);
    buffer_free(&text);
    return same;
}

bool signature_v2_matches(const struct signed_request *request, const struct signature_claim *claim,
                          const char *secret_key)
{
    struct slice bucket = host_bucket(signed_request_header(request, "host"));
    return matches_with(request, claim, (struct slice){NULL, 0}, secret_key) ||
           (bucket.size && matches_with(request, claim, bucket, secret_key));
}

bool signature_v2_text(const struct signed_request *request, struct buffer *out)
{
    return text_for(request, host_bucket(signed_request_header(request, "host")), out);
}
