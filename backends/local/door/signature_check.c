#include "signature_check.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "hash.h"
#include "hex.h"
#include "query_text.h"
#include "s3_time.h"
#include "secret.h"
#include "signature_v2.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { ACCOUNT_DIGITS = 12 };

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
static void claim_reset(struct signature_claim *claim)
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
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return *name && strspn(name, allowed) == strlen(name);
}

/* ACCESS-KEY/20150830/us-east-1/sqs/aws4_request; only the key may contain slashes. */
static bool credential_read(struct signature_claim *claim, struct slice text)
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

static enum signature_code authorization_read(struct signature_claim *claim, struct slice text)
{
    bool credential = false, headers = false, signature = false;
    text = (struct slice){text.data + sizeof ALGORITHM - 1, text.size - (sizeof ALGORITHM - 1)};
    while (text.size) {
        struct slice value = trim(query_cut(&text, ',')), name = query_cut(&value, '=');
        if (slice_equal_text(name, "Credential"))
            credential = credential_read(claim, value);
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

static enum signature_code presigned_read(struct signature_claim *claim,
                                          const struct signed_request *request)
{
    char credential[256] = "", algorithm[32], names[SIGNED_HEADERS_SIZE];
    struct slice query = request->query;
    claim->presigned = true;
    bool read = query_value(query, "X-Amz-Credential", credential, sizeof credential) &&
                credential_read(claim, slice_of(credential));
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

static enum signature_code time_check(struct signature_claim *claim,
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
static enum signature_code date_read(struct signature_claim *claim,
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

static const struct access_key *key_find(const struct access_key_list *keys, const char *access_key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].access_key, access_key) == 0)
            return &keys->items[i];
    }
    return keys->any ? &keys->items[0] : NULL;
}

/* The token is in a header, or in the query of a presigned URL; empty: there is none. */
static struct slice token_of(const struct signed_request *request, char room[SESSION_TOKEN_SIZE])
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

/* Where any key is accepted, one of twelve digits is an account, as in localstack ("Multi-account
 * setups" in its documentation). */
static const struct access_key *account_of(const struct access_key_list *keys,
                                           struct signature_claim *claim)
{
    struct sts_session *session = &claim->session;
    if (!keys->any || strlen(claim->access_key) != ACCOUNT_DIGITS ||
        strspn(claim->access_key, "0123456789") != ACCOUNT_DIGITS)
        return NULL;
    snprintf(session->access_key, sizeof session->access_key, "%.12s", claim->access_key);
    snprintf(session->user_id, sizeof session->user_id, "%.12s", claim->access_key);
    snprintf(session->arn, sizeof session->arn, "arn:aws:iam::%.12s:root", claim->access_key);
    session->secret_key[0] = '\0';
    session->key = (struct access_key){.access_key = session->access_key,
                                       .secret_key = session->secret_key,
                                       .arn = session->arn,
                                       .user_id = session->user_id,
                                       .is_unverified = true};
    return &session->key;
}

/* A permanent key has no token, and temporary credentials are nothing without theirs. Sources for
 * the errors: "Error responses" in the S3 API Reference (InvalidToken); for an access key without
 * its token, issue 68 of etianen/django-s3-storage. */
static enum signature_code signer_find(const struct access_key_list *keys, struct slice token,
                                       int64_t now, struct signature_claim *claim)
{
    const struct access_key *key = key_find(keys, claim->access_key);
    const struct access_key *account = token.size ? NULL : account_of(keys, claim);
    claim->key = account ? account : key;
    if (!token.size)
        return key ? SIGNATURE_OK : SIGNATURE_UNKNOWN_KEY;
    int code = key && !keys->any
                   ? ERR_DENIED
                   : session_open(keys, claim->access_key, token, now, &claim->session);
    if (!code)
        claim->key = &claim->session.key;
    else if (code == ERR_EXPIRED || !keys->any)
        claim->key = NULL;
    if (code == ERR_EXPIRED)
        return SIGNATURE_TOKEN_EXPIRED;
    return claim->key ? SIGNATURE_OK : SIGNATURE_BAD_TOKEN;
}

enum signature_code signature_claim(const struct access_key_list *keys,
                                    const struct signed_request *request, int64_t now,
                                    struct signature_claim *claim)
{
    enum signature_code code;
    char token[SESSION_TOKEN_SIZE];
    claim_reset(claim);
    struct slice header = signed_request_header(request, "authorization");
    if (header.data && !slice_starts_with(header, ALGORITHM)) {
        return refuse_as(claim, "The Authorization header's algorithm is not AWS4-HMAC-SHA256.",
                         "InvalidRequest",
                         "The authorization mechanism you have provided is not supported. Please "
                         "use AWS4-HMAC-SHA256.");
    } else if (header.data) {
        code = authorization_read(claim, header);
        if (code == SIGNATURE_OK)
            code = date_read(claim, request);
    } else if (!keys->no_version2 && signature_v2_in(request->query)) {
        code = signature_v2_read(request, now, claim);
    } else if (query_has(request->query, "X-Amz-Signature") ||
               query_has(request->query, "X-Amz-Credential") ||
               query_has(request->query, "X-Amz-Algorithm")) {
        code = presigned_read(claim, request);
    } else {
        return SIGNATURE_MISSING;
    }
    if (code != SIGNATURE_OK)
        return code;
    code = signer_find(keys, token_of(request, token), now, claim);
    if (code != SIGNATURE_OK || claim->version2)
        return code;
    return time_check(claim, request, now);
}

static bool header_named(struct slice list, struct slice name)
{
    while (list.size) {
        struct slice item = query_cut(&list, ';');
        if (item.size == name.size && strncasecmp(item.data, name.data, name.size) == 0)
            return true;
    }
    return false;
}

/* S3 ignores the hash of a presigned request's body, which clients add after signing. */
bool signature_must_cover(struct slice name, bool presigned)
{
    static const char hash[] = "x-amz-content-sha256";
    if (presigned && name.size == sizeof hash - 1 && strncasecmp(name.data, hash, name.size) == 0)
        return false;
    return (name.size > 6 && strncasecmp(name.data, "x-amz-", 6) == 0) ||
           (name.size == 4 && strncasecmp(name.data, "host", 4) == 0);
}

/* Collects the signed headers. A name in SignedHeaders that the request lacks counts as empty, so
 * its signature is invalid. */
static enum signature_code headers_choose(const struct signed_request *request,
                                          const struct signature_claim *claim,
                                          struct sigv4_header *out, size_t *count)
{
    char names[SIGNED_HEADERS_SIZE];
    struct slice list = claim->signed_headers;
    if (claim->presigned && query_decode(list, names, sizeof names))
        list = slice_of(names);
    *count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sigv4_header *header = &request->headers[i];
        bool named = header_named(list, header->name);
        if (!named && signature_must_cover(header->name, claim->presigned))
            return SIGNATURE_UNSIGNED_HEADER;
        if (!named)
            continue;
        if (*count == SIGNED_HEADERS_MAX)
            return SIGNATURE_MISMATCH;
        out[(*count)++] = *header;
    }
    while (list.size) {
        struct slice name = query_cut(&list, ';');
        bool found = false;
        for (size_t i = 0; i < *count && !found; i++)
            found = out[i].name.size == name.size &&
                    strncasecmp(out[i].name.data, name.data, name.size) == 0;
        if (!found)
            return SIGNATURE_MISMATCH;
    }
    return SIGNATURE_OK;
}

bool signature_covers(const struct signature_claim *claim, struct slice name)
{
    char names[SIGNED_HEADERS_SIZE];
    struct slice list = claim->signed_headers;
    if (claim->presigned && query_decode(list, names, sizeof names))
        list = slice_of(names);
    return header_named(list, name);
}

enum signature_code signature_canonical(const struct signed_request *request,
                                        const struct signature_claim *claim,
                                        const char *payload_hash,
                                        struct sigv4_header headers[SIGNED_HEADERS_MAX],
                                        struct sigv4_request *out)
{
    size_t count;
    enum signature_code code = headers_choose(request, claim, headers, &count);
    *out = (struct sigv4_request){
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .headers = headers,
        .header_count = count,
        .payload_hash = payload_hash,
        .normalise_path = strcmp(claim->service, "s3") != 0,
    };
    return code;
}

enum signature_code signature_verify(const struct signed_request *request,
                                     const struct signature_claim *claim, const char *payload_hash)
{
    struct sigv4_header headers[SIGNED_HEADERS_MAX];
    struct sigv4_request signed_request;
    if (claim->version2 && !claim->key->is_unverified)
        return signature_v2_matches(request, claim, claim->key->secret_key) ? SIGNATURE_OK
                                                                            : SIGNATURE_MISMATCH;
    if (claim->version2)
        return SIGNATURE_OK;
    enum signature_code code =
        signature_canonical(request, claim, payload_hash, headers, &signed_request);
    if (code != SIGNATURE_OK || claim->key->is_unverified)
        return code;
    struct sigv4_scope scope = {.region = claim->region, .service = claim->service};
    memcpy(scope.date, claim->date, sizeof scope.date);
    uint8_t signing_key[SIGV4_KEY_SIZE];
    char signature[SIGV4_HEX_SIZE];
    signing_keys_get(claim->key->signing, claim->key->secret_key, &scope, signing_key);
    bool made = !sigv4_signature(&signed_request, &scope, signing_key, signature);
    secret_wipe(signing_key, sizeof signing_key);
    bool same = made && strlen(claim->signature) == SIGV4_HEX_SIZE - 1 &&
                secret_equal(signature, claim->signature, SIGV4_HEX_SIZE - 1);
    return same ? SIGNATURE_OK : SIGNATURE_MISMATCH;
}

static bool text_is_signed(const struct signed_text *text, const struct signature_claim *claim)
{
    struct sigv4_scope scope = {.region = claim->region, .service = claim->service};
    memcpy(scope.date, claim->date, sizeof scope.date);
    uint8_t signing_key[SIGV4_KEY_SIZE], mac[SIGV4_KEY_SIZE];
    char expected[SIGV4_HEX_SIZE];
    signing_keys_get(claim->key->signing, claim->key->secret_key, &scope, signing_key);
    hmac_sha256(signing_key, sizeof signing_key, text->text, strlen(text->text), mac);
    secret_wipe(signing_key, sizeof signing_key);
    hex_write(mac, sizeof mac, expected);
    return strlen(text->signature) == SIGV4_HEX_SIZE - 1 &&
           secret_equal(expected, text->signature, SIGV4_HEX_SIZE - 1);
}

enum signature_code signature_verify_text(const struct access_key_list *keys,
                                          const struct signed_text *text, int64_t now,
                                          struct signature_claim *out)
{
    int64_t signed_at;
    claim_reset(out);
    if (!credential_read(out, slice_of(text->credential)) || strcmp(out->service, "s3") != 0 ||
        !query_copy(out->date, sizeof out->date, slice_of(text->date)) ||
        sigv4_parse_date(slice_of(text->date), &signed_at) || strncmp(out->date, out->day, 8) != 0)
        return SIGNATURE_MALFORMED;
    enum signature_code code = signer_find(keys, slice_of(text->token), now, out);
    if (code == SIGNATURE_OK && !out->key->is_unverified && !text_is_signed(text, out))
        code = SIGNATURE_MISMATCH;
    return code;
}

enum signature_code signature_verify_v2_text(const struct access_key_list *keys,
                                             const struct signed_text *text, int64_t now,
                                             struct signature_claim *out)
{
    claim_reset(out);
    out->version2 = true;
    if (keys->no_version2)
        return SIGNATURE_MISMATCH;
    if (!query_copy(out->access_key, sizeof out->access_key, slice_of(text->credential)))
        return SIGNATURE_MALFORMED;
    enum signature_code code = signer_find(keys, slice_of(text->token), now, out);
    if (code == SIGNATURE_OK && !out->key->is_unverified &&
        !signature_v2_text_matches(text->text, text->signature, out->key->secret_key))
        code = SIGNATURE_MISMATCH;
    return code;
}

void signature_claim_end(struct signature_claim *claim)
{
    if (claim->key == &claim->session.key)
        secret_wipe(&claim->session, sizeof claim->session);
}
