/*
 * The order in which a signature is checked, and its verification. signature_fields.c reads the request,
 * signature_signer.c finds the key, signature_v2.c has the older version.
 */
#include "signature_check.h"

#include <string.h>
#include <strings.h>

#include "hash.h"
#include "hex.h"
#include "query_text.h"
#include "secret.h"
#include "signature_fields.h"
#include "signature_signer.h"
#include "signature_v2.h"

enum signature_code signature_claim(const struct access_key_list *keys,
                                    const struct signed_request *request, int64_t now,
                                    struct signature_claim *claim)
{
    enum signature_code code;
    char token[SESSION_TOKEN_SIZE];
    signature_claim_reset(claim);
    struct slice header = signed_request_header(request, "authorization");
    if (header.data) {
        code = signature_read_header(claim, header);
        if (code == SIGNATURE_OK)
            code = signature_read_date(claim, request);
    } else if (!keys->no_version2 && signature_v2_in(request->query)) {
        code = signature_v2_read(request, now, claim);
    } else if (query_has(request->query, "X-Amz-Signature") ||
               query_has(request->query, "X-Amz-Credential") ||
               query_has(request->query, "X-Amz-Algorithm")) {
        code = signature_read_presigned(claim, request);
    } else {
        return SIGNATURE_MISSING;
    }
    if (code != SIGNATURE_OK)
        return code;
    code = signature_signer_find(keys, signature_read_token(request, token), now, claim);
    if (code != SIGNATURE_OK || claim->version2)
        return code;
    return signature_check_time(claim, request, now);
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
    signature_claim_reset(out);
    if (!signature_read_credential(out, slice_of(text->credential)) ||
        strcmp(out->service, "s3") != 0 ||
        !query_copy(out->date, sizeof out->date, slice_of(text->date)) ||
        sigv4_parse_date(slice_of(text->date), &signed_at) || strncmp(out->date, out->day, 8) != 0)
        return SIGNATURE_MALFORMED;
    enum signature_code code = signature_signer_find(keys, slice_of(text->token), now, out);
    if (code == SIGNATURE_OK && !out->key->is_unverified && !text_is_signed(text, out))
        code = SIGNATURE_MISMATCH;
    return code;
}

enum signature_code signature_verify_v2_text(const struct access_key_list *keys,
                                             const struct signed_text *text, int64_t now,
                                             struct signature_claim *out)
{
    signature_claim_reset(out);
    out->version2 = true;
    if (keys->no_version2)
        return SIGNATURE_MISMATCH;
    if (!query_copy(out->access_key, sizeof out->access_key, slice_of(text->credential)))
        return SIGNATURE_MALFORMED;
    enum signature_code code = signature_signer_find(keys, slice_of(text->token), now, out);
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
