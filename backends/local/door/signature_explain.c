#include "signature_explain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query_text.h"
#include "s3_time.h"
#include "signature_fields.h"
#include "signature_v2.h"
#include "xml_writer.h"

enum { TEXT_MAX = 256 * 1024 };

void signature_explain_bytes(struct buffer *out, const char *name, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    xml_open(out, name);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (i)
            buffer_byte(out, ' ');
        buffer_byte(out, digits[byte >> 4]);
        buffer_byte(out, digits[byte & 15]);
    }
    xml_close(out, name);
}

static void write_text(struct buffer *out, const char *name, const char *bytes_name,
                       const struct buffer *text)
{
    xml_slice(out, name, buffer_slice(text));
    signature_explain_bytes(out, bytes_name, buffer_slice(text));
}

static void write_mismatch(const struct signed_request *request,
                           const struct signature_claim *claim, const char *payload_hash,
                           struct buffer *out)
{
    struct sigv4_header headers[SIGNED_HEADERS_MAX];
    struct sigv4_request canonical;
    struct buffer text, whole;
    struct sigv4_scope scope = {.region = claim->region, .service = claim->service};
    buffer_init(&text, TEXT_MAX);
    buffer_init(&whole, TEXT_MAX);
    bool made;
    if (claim->version2) {
        made = signature_v2_text(request, &text);
    } else {
        memcpy(scope.date, claim->date, sizeof scope.date);
        signature_canonical(request, claim, payload_hash, headers, &canonical);
        made = !sigv4_canonical_request(&canonical, &whole) &&
               !sigv4_string_to_sign(&canonical, &scope, &text);
    }
    xml_element(out, "AWSAccessKeyId", claim->access_key);
    if (made)
        xml_slice(out, "StringToSign", buffer_slice(&text));
    xml_element(out, "SignatureProvided", claim->signature);
    if (made)
        signature_explain_bytes(out, "StringToSignBytes", buffer_slice(&text));
    if (made && !claim->version2)
        write_text(out, "CanonicalRequest", "CanonicalRequestBytes", &whole);
    buffer_free(&text);
    buffer_free(&whole);
}

static void write_time(struct buffer *out, const char *name, int64_t unix_seconds)
{
    char text[S3_TIME_SIZE];
    s3_time_iso_seconds(unix_seconds, text);
    xml_element(out, name, text);
}

static void write_expired(const struct signed_request *request, const struct signature_claim *claim,
                          struct buffer *out)
{
    char text[24] = "";
    int64_t signed_at = 0;
    query_value(request->query, claim->version2 ? "Expires" : "X-Amz-Expires", text, sizeof text);
    if (!claim->version2) {
        sigv4_parse_date(slice_of(claim->date), &signed_at);
        xml_element(out, "X-Amz-Expires", text);
    }
    write_time(out, "Expires", signed_at + strtoll(text, NULL, 10));
    write_time(out, "ServerTime", (int64_t)time(NULL));
}

static void write_skewed(const struct signature_claim *claim, struct buffer *out)
{
    xml_element(out, "RequestTime", claim->date);
    write_time(out, "ServerTime", (int64_t)time(NULL));
    xml_number(out, "MaxAllowedSkewMilliseconds", SIGNATURE_SKEW_S * 1000);
}

static void write_unsigned(const struct signed_request *request,
                           const struct signature_claim *claim, struct buffer *out)
{
    bool first = true;
    xml_open(out, "HeadersNotSigned");
    for (size_t i = 0; i < request->header_count; i++) {
        struct slice name = request->headers[i].name;
        if (!signature_must_cover(name, claim->presigned) || signature_covers(claim, name))
            continue;
        if (!first)
            buffer_text(out, ", ");
        first = false;
        for (size_t c = 0; c < name.size; c++)
            buffer_byte(out, (char)(name.data[c] >= 'A' && name.data[c] <= 'Z' ? name.data[c] | 0x20
                                                                               : name.data[c]));
    }
    xml_close(out, "HeadersNotSigned");
}

static void write_token(const struct signed_request *request, struct buffer *out)
{
    struct slice token = signed_request_header(request, "x-amz-security-token");
    if (token.data)
        xml_slice(out, "Token-0", token);
}

void signature_explain(const struct signed_request *request, const struct signature_claim *claim,
                       const char *payload_hash, enum signature_code code, struct buffer *out)
{
    switch (code) {
    case SIGNATURE_MISMATCH:
        write_mismatch(request, claim, payload_hash ? payload_hash : SIGV4_UNSIGNED_PAYLOAD, out);
        break;
    case SIGNATURE_UNKNOWN_KEY:
        xml_element(out, "AWSAccessKeyId", claim->access_key);
        break;
    case SIGNATURE_EXPIRED:
        write_expired(request, claim, out);
        break;
    case SIGNATURE_SKEWED:
        write_skewed(claim, out);
        break;
    case SIGNATURE_UNSIGNED_HEADER:
        write_unsigned(request, claim, out);
        break;
    case SIGNATURE_BAD_TOKEN:
    case SIGNATURE_TOKEN_EXPIRED:
        write_token(request, out);
        break;
    default:
        break;
    }
}
