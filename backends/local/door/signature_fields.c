/*
 * Reads what a request says about its signature, and refuses what does not have the form of SigV4 with
 * the messages of AWS. See signature_fields.h.
 */
#include "signature_fields.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query_text.h"
#include "s3_time.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

struct slice signed_request_header(const struct signed_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sigv4_header *h = &request->headers[i];
        if (h->name.size == strlen(name) && strncasecmp(h->name.data, name, h->name.size) == 0)
            return h->value;
    }
    return (struct slice){NULL, 0};
}

/* The session is set when there is one: it is large, and most requests have none. */
void signature_claim_reset(struct signature_claim *claim)
{
    memset(claim, 0, offsetof(struct signature_claim, session));
    claim->detail = claim->s3_text = "";
    claim->s3_code = "AuthorizationHeaderMalformed";
}

static enum signature_code refuse_as(struct signature_claim *claim, const char *detail,
                                     const char *s3_code, const char *s3_text)
{
    claim->detail = detail;
    claim->s3_code = s3_code;
    claim->s3_text = s3_text;
    return SIGNATURE_MALFORMED;
}

static enum signature_code malformed(struct signature_claim *claim, const char *detail,
                                     const char *s3_text)
{
    return refuse_as(claim, detail,
                     claim->presigned ? "AuthorizationQueryParametersError"
                                      : "AuthorizationHeaderMalformed",
                     s3_text);
}

/* Regions become parts of ARNs. */
static bool is_region(const char *name)
{
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!letter && !(*p >= '0' && *p <= '9') && *p != '-' && *p != '_')
            return false;
    }
    return *name != '\0';
}

/* ACCESS-KEY/20150830/us-east-1/sqs/aws4_request; only the key may contain slashes. */
bool signature_read_credential(struct signature_claim *claim, struct slice text)
{
    struct slice parts[5];
    for (int i = 4; i > 0; i--) {
        size_t at = text.size;
        while (at > 0 && text.data[at - 1] != '/')
            at--;
        if (at == 0)
            return false;
        parts[i] = (struct slice){text.data + at, text.size - at};
        text.size = at - 1;
    }
    bool service = query_copy(claim->service, sizeof claim->service, parts[3]);
    return query_copy(claim->access_key, sizeof claim->access_key, text) &&
           query_copy(claim->day, sizeof claim->day, parts[1]) &&
           query_copy(claim->region, sizeof claim->region, parts[2]) && is_region(claim->region) &&
           service && slice_equal_text(parts[4], "aws4_request");
}

static struct slice trim(struct slice s)
{
    while (s.size && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = (struct slice){s.data + 1, s.size - 1};
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

static bool names_keep(struct signature_claim *claim, struct slice names)
{
    claim->signed_headers = names;
    return names.size > 0 && names.size < SIGNED_HEADERS_SIZE &&
           !memchr(names.data, '\0', names.size);
}

enum signature_code signature_read_header(struct signature_claim *claim, struct slice text)
{
    bool credential = false, headers = false, signature = false;
    if (!slice_starts_with(text, ALGORITHM))
        return refuse_as(claim, "The Authorization header's algorithm is not AWS4-HMAC-SHA256.",
                         "InvalidRequest",
                         "The authorization mechanism you have provided is not supported. Please "
                         "use AWS4-HMAC-SHA256.");
    text = (struct slice){text.data + sizeof ALGORITHM - 1, text.size - (sizeof ALGORITHM - 1)};
    while (text.size) {
        struct slice value = trim(query_cut(&text, ',')), name = query_cut(&value, '=');
        if (slice_equal_text(name, "Credential"))
            credential = signature_read_credential(claim, value);
        else if (slice_equal_text(name, "SignedHeaders"))
            headers = names_keep(claim, value);
        else if (slice_equal_text(name, "Signature"))
            signature = query_copy(claim->signature, sizeof claim->signature, value);
    }
    if (!credential)
        return malformed(claim,
                         "The Authorization header's Credential does not have the form "
                         "KEY/YYYYMMDD/REGION/SERVICE/aws4_request.",
                         "The authorization header is malformed; the Credential is mal-formed; "
                         "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    if (!headers || !signature)
        return malformed(claim, "The Authorization header lacks SignedHeaders or Signature.",
                         "The authorization header is malformed; the authorization header requires "
                         "three components: Credential, SignedHeaders, and Signature.");
    return SIGNATURE_OK;
}

static bool has_parameters(const struct signed_request *request)
{
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Signature",
                                        "X-Amz-Date",      "X-Amz-SignedHeaders", "X-Amz-Expires"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!query_has(request->query, names[i]))
            return false;
    }
    return true;
}

enum signature_code signature_read_presigned(struct signature_claim *claim,
                                             const struct signed_request *request)
{
    char credential[256] = "", algorithm[32], names[SIGNED_HEADERS_SIZE];
    struct slice query = request->query;
    claim->presigned = true;
    bool read = query_value(query, "X-Amz-Credential", credential, sizeof credential) &&
                signature_read_credential(claim, slice_of(credential));
    if (!has_parameters(request))
        return malformed(claim,
                         "The query lacks X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
                         "X-Amz-Date, X-Amz-SignedHeaders or X-Amz-Expires.",
                         "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                         "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                         "X-Amz-Expires parameters.");
    if (!read)
        return malformed(
            claim,
            "X-Amz-Credential does not have the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request.",
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
            "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    if (!query_value(query, "X-Amz-Algorithm", algorithm, sizeof algorithm) ||
        strcmp(algorithm, ALGORITHM) != 0)
        return malformed(claim, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\".",
                         "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    if (!query_value(query, "X-Amz-Date", claim->date, sizeof claim->date) ||
        !query_find(query, "X-Amz-SignedHeaders", &claim->signed_headers) ||
        !query_decode(claim->signed_headers, names, sizeof names) ||
        !query_value(query, "X-Amz-Signature", claim->signature, sizeof claim->signature))
        return malformed(claim, "X-Amz-Date, X-Amz-SignedHeaders or X-Amz-Signature is not valid.",
                         "X-Amz-Date must be in the ISO8601 Long Format "
                         "\"yyyyMMdd'T'HHmmss'Z'\"");
    return SIGNATURE_OK;
}

static enum signature_code lifetime_check(struct signature_claim *claim,
                                          const struct signed_request *request, int64_t signed_at,
                                          int64_t now)
{
    char text[16] = "", *end;
    query_value(request->query, "X-Amz-Expires", text, sizeof text);
    long expires = strtol(text, &end, 10);
    if (*end || !*text)
        return malformed(claim, "X-Amz-Expires is not a number of seconds.",
                         "X-Amz-Expires should be a number");
    if (expires < 1)
        return malformed(claim, "X-Amz-Expires must be from 1 to 604800 seconds.",
                         "X-Amz-Expires must be non-negative");
    if (expires > SIGNATURE_EXPIRES_MAX_S)
        return malformed(claim, "X-Amz-Expires must be from 1 to 604800 seconds.",
                         "X-Amz-Expires must be less than a week (in seconds); that is, the given "
                         "X-Amz-Expires must be less than 604800 seconds");
    if (signed_at > now + SIGNATURE_SKEW_S)
        return SIGNATURE_EARLY;
    return now > signed_at + expires ? SIGNATURE_EXPIRED : SIGNATURE_OK;
}

enum signature_code signature_check_time(struct signature_claim *claim,
                                         const struct signed_request *request, int64_t now)
{
    int64_t signed_at;
    if (sigv4_parse_date(slice_of(claim->date), &signed_at))
        return malformed(claim, "The date does not have the form YYYYMMDDTHHMMSSZ.",
                         claim->presigned
                             ? "X-Amz-Date must be in the ISO8601 Long Format "
                               "\"yyyyMMdd'T'HHmmss'Z'\""
                             : "The authorization header is malformed; X-Amz-Date must be in the "
                               "ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    if (strncmp(claim->date, claim->day, 8) != 0)
        return malformed(claim, "The date differs from the Credential's date.",
                         claim->presigned
                             ? "Error parsing the X-Amz-Credential parameter; incorrect date. This "
                               "date is not the same as X-Amz-Date"
                             : "The authorization header is malformed; Invalid credential date. "
                               "This date is not the same as X-Amz-Date.");
    if (claim->presigned)
        return lifetime_check(claim, request, signed_at, now);
    return signed_at > now + SIGNATURE_SKEW_S || signed_at < now - SIGNATURE_SKEW_S
               ? SIGNATURE_SKEWED
               : SIGNATURE_OK;
}

/* X-Amz-Date, or Date in its place ("Date header requirements", S3 API Reference). */
enum signature_code signature_read_date(struct signature_claim *claim,
                                        const struct signed_request *request)
{
    struct slice own = trim(signed_request_header(request, "x-amz-date"));
    struct slice date = trim(signed_request_header(request, "date"));
    int64_t unix_ms;
    if (own.data && query_copy(claim->date, sizeof claim->date, own))
        return SIGNATURE_OK;
    if (!own.data && date.data && !s3_time_parse_http(date, &unix_ms)) {
        sigv4_date(unix_ms / 1000, claim->date);
        return SIGNATURE_OK;
    }
    if (!own.data && date.data && query_copy(claim->date, sizeof claim->date, date))
        return SIGNATURE_OK;
    return refuse_as(claim, "The request lacks a valid X-Amz-Date or Date header.", "AccessDenied",
                     "AWS authentication requires a valid Date or x-amz-date header");
}

/* The token is in a header, or in the query of a presigned URL; empty: there is none. */
struct slice signature_read_token(const struct signed_request *request,
                                  char room[SESSION_TOKEN_SIZE])
{
    static const char name[] = "X-Amz-Security-Token";
    struct slice token = trim(signed_request_header(request, name));
    if (token.size)
        return token;
    if ((!query_find(request->query, name, &token) &&
         !query_find(request->query, "x-amz-security-token", &token)) ||
        !token.size)
        return (struct slice){NULL, 0};
    /* One that does not fit was not issued here: any text that is no token will do. */
    return slice_of(query_decode(token, room, SESSION_TOKEN_SIZE) ? room : "?");
}
