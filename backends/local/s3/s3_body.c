#include "s3_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base64.h"
#include "hash.h"
#include "hex.h"
#include "signature_check.h"

/* Claims. */

static bool is_hex_sha256(struct slice text)
{
    if (text.size != 64)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

static enum s3_error read_payload_hash(struct s3_claims *claims, struct slice hash)
{
    if (!hash.data || slice_equal_text(hash, SIGV4_UNSIGNED_PAYLOAD))
        return S3_OK;
    claims->trailer_signed = slice_equal_text(hash, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
    claims->chunks_signed =
        claims->trailer_signed || slice_equal_text(hash, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    claims->chunked =
        claims->chunks_signed || slice_equal_text(hash, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    if (claims->chunked)
        return S3_OK;
    if (slice_starts_with(hash, "STREAMING-"))
        return S3_NOT_IMPLEMENTED;
    if (!is_hex_sha256(hash))
        return S3_INVALID_ARGUMENT;
    claims->hashed = true;
    snprintf(claims->sha256, sizeof claims->sha256, "%.*s", (int)hash.size, hash.data);
    return S3_OK;
}

/* Base64 of exactly size bytes. */
static bool is_base64_of(struct slice text, size_t size)
{
    uint8_t decoded[64];
    size_t written = 0;
    return !base64_read(text, decoded, sizeof decoded, &written) && written == size;
}

static const char *const bad_checksums[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = "Value for x-amz-checksum-crc32 header is invalid.",
    [CHECKSUM_CRC32C] = "Value for x-amz-checksum-crc32c header is invalid.",
    [CHECKSUM_CRC64NVME] = "Value for x-amz-checksum-crc64nvme header is invalid.",
    [CHECKSUM_SHA1] = "Value for x-amz-checksum-sha1 header is invalid.",
    [CHECKSUM_SHA256] = "Value for x-amz-checksum-sha256 header is invalid.",
};

static enum s3_error take_checksum(struct s3_claims *claims, struct slice value)
{
    uint8_t decoded[CHECKSUM_SIZE_MAX];
    if (checksum_decode(claims->kind, value, decoded))
        return S3_INVALID_REQUEST;
    snprintf(claims->checksum, sizeof claims->checksum, "%.*s", (int)value.size, value.data);
    return S3_OK;
}

static const char *const bad_trailers[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = "Value for x-amz-checksum-crc32 trailing header is invalid.",
    [CHECKSUM_CRC32C] = "Value for x-amz-checksum-crc32c trailing header is invalid.",
    [CHECKSUM_CRC64NVME] = "Value for x-amz-checksum-crc64nvme trailing header is invalid.",
    [CHECKSUM_SHA1] = "Value for x-amz-checksum-sha1 trailing header is invalid.",
    [CHECKSUM_SHA256] = "Value for x-amz-checksum-sha256 trailing header is invalid.",
};

enum s3_error s3_claims_take_trailers(struct s3_claims *claims, const struct aws_chunked *decoder,
                                      const char **message)
{
    const char *name = checksum_header(claims->kind);
    *message = NULL;
    if (!claims->in_trailer)
        return S3_OK;
    struct slice value = aws_chunked_trailer(decoder, name);
    if (!value.data || aws_chunked_has_other_trailers(decoder, name))
        return S3_MALFORMED_TRAILER;
    *message = bad_trailers[claims->kind];
    return take_checksum(claims, value);
}

/* A client that states the size of the framed body has no place for the framing. */
void s3_claims_refuse_size(struct s3_request *request, const struct s3_claims *claims,
                           uint64_t provided)
{
    int64_t sent = request->base ? http_call_content_length(request->base->call) : -1;
    if (claims->chunked && sent >= 0 && sent <= claims->size) {
        s3_respond_error(request, S3_BODY_TERMINATED, NULL);
        return;
    }
    s3_detail_number(request, "NumberBytesExpected", (uint64_t)claims->size);
    s3_detail_number(request, "NumberBytesProvided", provided);
    s3_respond_error(request, S3_INCOMPLETE_BODY, NULL);
}

static enum s3_error read_md5(struct s3_request *request, struct s3_claims *claims)
{
    struct slice md5 = s3_header(request, "content-md5");
    if (!md5.data)
        return S3_OK;
    if (!is_base64_of(md5, 16)) {
        s3_detail_slice(request, "Content-MD5", md5);
        return S3_INVALID_DIGEST;
    }
    claims->with_md5 = true;
    snprintf(claims->md5, sizeof claims->md5, "%.*s", (int)md5.size, md5.data);
    return S3_OK;
}

/* The algorithm that a client announces must be that of the value which it sends. */
static enum s3_error check_algorithm(const struct s3_claims *claims, struct slice name,
                                     const char **message)
{
    if (!name.data)
        return S3_OK;
    *message =
        claims->kind || !checksum_from_name(name)
            ? "Value for x-amz-sdk-checksum-algorithm header is invalid."
            : "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
              "or x-amz-trailer headers were found.";
    return claims->kind && checksum_from_name(name) == claims->kind ? S3_OK : S3_INVALID_REQUEST;
}

static struct slice trimmed(struct slice text)
{
    while (text.size && *text.data == ' ')
        text = (struct slice){text.data + 1, text.size - 1};
    while (text.size && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static const char several[] =
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";

/* The names in x-amz-trailer; empty ones at the end count for nothing. */
static enum s3_error read_trailer_names(struct s3_claims *claims, struct slice names,
                                        const char **message)
{
    *message = "The value specified in the x-amz-trailer header is not supported";
    while (names.size && names.data[names.size - 1] == ',')
        names.size--;
    do {
        const char *comma = memchr(names.data, ',', names.size);
        struct slice name = {names.data, comma ? (size_t)(comma - names.data) : names.size};
        enum checksum_kind kind = checksum_from_header(trimmed(name));
        if (!kind)
            return S3_INVALID_REQUEST;
        if (claims->kind)
            *message = several;
        if (claims->kind)
            return S3_INVALID_REQUEST;
        claims->kind = kind;
        size_t used = name.size + (comma != NULL);
        names = (struct slice){names.data + used, names.size - used};
    } while (names.size);
    return S3_OK;
}

static enum s3_error read_checksum(struct s3_request *request, struct s3_claims *claims,
                                   const char **message)
{
    struct slice trailer = s3_header(request, "x-amz-trailer");
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        struct slice value = s3_header(request, checksum_header((enum checksum_kind)kind));
        if (!value.data)
            continue;
        *message = several;
        if (claims->kind)
            return S3_INVALID_REQUEST;
        claims->kind = (enum checksum_kind)kind;
        *message = bad_checksums[kind];
        enum s3_error error = take_checksum(claims, value);
        if (error)
            return error;
    }
    struct slice algorithm = s3_header(request, "x-amz-sdk-checksum-algorithm");
    if (claims->kind || !trailer.data)
        return check_algorithm(claims, algorithm, message);
    enum s3_error error = read_trailer_names(claims, trailer, message);
    if (error)
        return error;
    claims->in_trailer = true;
    if (!claims->chunked)
        return S3_INVALID_REQUEST;
    return check_algorithm(claims, algorithm, message);
}

static enum s3_error read_size(struct s3_request *request, struct s3_claims *claims)
{
    struct slice decoded = s3_header(request, "x-amz-decoded-content-length");
    claims->size = http_call_content_length(request->base->call);
    if (!claims->chunked)
        return S3_OK;
    claims->size = 0;
    if (!decoded.size || decoded.size > 15)
        return S3_MISSING_CONTENT_LENGTH;
    for (size_t i = 0; i < decoded.size; i++) {
        if (decoded.data[i] < '0' || decoded.data[i] > '9')
            return S3_INVALID_ARGUMENT;
        claims->size = claims->size * 10 + (decoded.data[i] - '0');
    }
    return S3_OK;
}

/* Clients may use this framing even if they do not sign the chunks. */
static bool says_aws_chunked(struct slice encoding)
{
    static const char name[] = "aws-chunked";
    for (size_t i = 0; i + sizeof name - 1 <= encoding.size; i++) {
        if (strncasecmp(encoding.data + i, name, sizeof name - 1) == 0)
            return true;
    }
    return false;
}

static enum s3_error headers_read(struct s3_request *request, struct s3_claims *claims,
                                  bool with_checksum, const char **message)
{
    *claims = (struct s3_claims){.size = -1};
    enum s3_error error = read_payload_hash(claims, slice_of(request->base->payload_hash));
    if (error)
        return error;
    if (!claims->hashed && says_aws_chunked(s3_header(request, "content-encoding")) &&
        s3_header(request, "x-amz-decoded-content-length").data)
        claims->chunked = true;
    error = read_md5(request, claims);
    if (error)
        return error;
    if (with_checksum)
        error = read_checksum(request, claims, message);
    if (error)
        return error;
    *message = NULL;
    return read_size(request, claims);
}

static bool claims_read(struct s3_request *request, struct s3_claims *claims, bool with_checksum)
{
    const char *message = NULL;
    enum s3_error error = headers_read(request, claims, with_checksum, &message);
    if (error)
        s3_respond_error(request, error, message);
    return !error;
}

bool s3_claims_read(struct s3_request *request, struct s3_claims *claims)
{
    return claims_read(request, claims, true);
}

/* Framing. */

/* The signature in the request's headers, which begins the chain. It is already verified. */
static bool read_signature(struct s3_request *request, struct signature_claim *claim)
{
    struct http_call *call = request->base->call;
    struct sigv4_header headers[SIGNED_REQUEST_HEADERS_MAX];
    size_t count = http_call_header_count(call);
    if (count > SIGNED_REQUEST_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        http_call_header_at(call, i, &headers[i].name, &headers[i].value);
    struct signed_request signed_request = {http_call_method(call), http_call_path(call),
                                            http_call_query(call), headers, count};
    return signature_claim(request->cloud->access_keys, &signed_request, (int64_t)time(NULL),
                           claim) == SIGNATURE_OK &&
           !claim->presigned;
}

static bool start_signatures(struct s3_unframer *unframer, struct s3_request *request,
                             const struct s3_claims *claims)
{
    struct signature_claim claim;
    if (!read_signature(request, &claim))
        return false;
    if (claim.key->is_unverified)
        return true;
    memcpy(unframer->region, claim.region, sizeof unframer->region);
    struct sigv4_scope scope = {.region = unframer->region, .service = "s3"};
    memcpy(scope.date, claim.date, sizeof scope.date);
    chunk_signatures_start(&unframer->signatures, claim.key->secret_key, &scope, claim.signature,
                           claims->trailer_signed);
    signature_claim_end(&claim);
    unframer->is_signed = true;
    return true;
}

bool s3_unframer_start(struct s3_unframer *unframer, struct s3_request *request,
                       const struct s3_claims *claims)
{
    if (claims->chunks_signed && !start_signatures(unframer, request, claims)) {
        s3_respond_error(request, S3_SIGNATURE_MISMATCH, NULL);
        return false;
    }
    aws_chunked_init(&unframer->decoder, unframer->is_signed ? &unframer->signatures : NULL);
    return true;
}

void s3_unframer_end(struct s3_unframer *unframer)
{
    aws_chunked_free(&unframer->decoder);
    if (unframer->is_signed)
        chunk_signatures_end(&unframer->signatures);
}

enum s3_error s3_unframer_error(int code)
{
    if (code == ERR_DENIED)
        return S3_SIGNATURE_MISMATCH;
    return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_BODY_TERMINATED;
}

/* Digests. */

void s3_digest_start(struct s3_digest *digest, const struct s3_claims *claims)
{
    *digest = (struct s3_digest){.hashed = claims->hashed};
    hash_start(&digest->md5, HASH_MD5);
    if (digest->hashed)
        hash_start(&digest->sha256, HASH_SHA256);
    checksum_start(&digest->checksum, claims->kind);
    checksum_start(&digest->crc64, claims->with_crc64 ? CHECKSUM_CRC64NVME : CHECKSUM_NONE);
}

void s3_digest_update(struct s3_digest *digest, const void *data, size_t size)
{
    hash_update(&digest->md5, data, size);
    if (digest->hashed)
        hash_update(&digest->sha256, data, size);
    checksum_update(&digest->checksum, data, size);
    checksum_update(&digest->crc64, data, size);
}

enum s3_error s3_digest_finish(struct s3_digest *digest, const struct s3_claims *claims)
{
    uint8_t md5[MD5_SIZE], sha256[SHA256_SIZE];
    hash_finish(&digest->md5, md5);
    if (digest->hashed) {
        hash_finish(&digest->sha256, sha256);
        hex_write(sha256, sizeof sha256, digest->sha256_text);
    }
    checksum_finish(&digest->checksum, digest->checksum_text);
    checksum_finish(&digest->crc64, digest->crc64_text);
    hex_write(md5, sizeof md5, digest->etag);
    if (claims->with_md5)
        base64_write(md5, sizeof md5, digest->md5_text);
    if (claims->hashed && strcasecmp(digest->sha256_text, claims->sha256) != 0)
        return S3_CONTENT_SHA256_MISMATCH;
    if (claims->with_md5 && strcmp(digest->md5_text, claims->md5) != 0)
        return S3_BAD_DIGEST;
    if (*claims->checksum && strcmp(digest->checksum_text, claims->checksum) != 0)
        return S3_BAD_DIGEST;
    return S3_OK;
}

void s3_digest_refuse(const struct s3_digest *digest, struct s3_request *request,
                      const struct s3_claims *claims, enum s3_error error)
{
    char message[96];
    bool wrong_md5 = claims->with_md5 && strcmp(digest->md5_text, claims->md5) != 0;
    if (error == S3_CONTENT_SHA256_MISMATCH) {
        s3_detail(request, "ClientComputedContentSHA256", claims->sha256);
        s3_detail(request, "S3ComputedContentSHA256", digest->sha256_text);
    } else if (error == S3_BAD_DIGEST && wrong_md5) {
        s3_detail(request, "ExpectedDigest", claims->md5);
        s3_detail(request, "CalculatedDigest", digest->md5_text);
    } else if (error == S3_BAD_DIGEST) {
        snprintf(message, sizeof message,
                 "The %s you specified did not match the calculated checksum.",
                 checksum_name(claims->kind));
        s3_respond_error(request, error, message);
        return;
    }
    s3_respond_error(request, error, NULL);
}

/* Small bodies. */

struct collecting {
    struct s3_request *request;
    struct s3_claims claims;
    struct s3_unframer unframer;
    s3_body_handler *handler;
};

static void collecting_free(void *operation)
{
    struct collecting *collecting = operation;
    s3_unframer_end(&collecting->unframer);
    free(collecting);
}

/* False: an error was sent. */
static bool verify(struct s3_request *request, struct s3_claims *claims, struct slice body)
{
    struct s3_digest digest;
    if (claims->size >= 0 && (uint64_t)claims->size != body.size) {
        s3_claims_refuse_size(request, claims, body.size);
        return false;
    }
    s3_digest_start(&digest, claims);
    s3_digest_update(&digest, body.data, body.size);
    enum s3_error error = s3_digest_finish(&digest, claims);
    if (error)
        s3_digest_refuse(&digest, request, claims, error);
    return !error;
}

static enum s3_error unframe(struct s3_unframer *unframer, struct s3_claims *claims,
                             struct slice in, struct buffer *out, const char **message)
{
    struct slice piece;
    int code;
    while ((code = aws_chunked_next(&unframer->decoder, &in, &piece)) == 1)
        buffer_append(out, piece.data, piece.size);
    if (code)
        return s3_unframer_error(code);
    if (out->error || !aws_chunked_complete(&unframer->decoder))
        return S3_BODY_TERMINATED;
    return s3_claims_take_trailers(claims, &unframer->decoder, message);
}

static void on_collected(struct http_call *call, struct bytes *body, void *user)
{
    struct collecting *collecting = user;
    struct s3_request *request = collecting->request;
    struct s3_claims claims = collecting->claims;
    s3_body_handler *handler = collecting->handler;
    struct slice content = {body->data ? body->data : "", body->size};
    struct buffer decoded;
    enum s3_error error = S3_OK;
    const char *message = NULL;
    (void)call;
    buffer_init(&decoded, body->size);
    if (claims.chunked) {
        error = unframe(&collecting->unframer, &claims, content, &decoded, &message);
        content = (struct slice){decoded.data ? decoded.data : "", decoded.size};
    }
    /* The collector is done, so the handler may set its own operation. */
    request->operation = NULL;
    request->operation_free = NULL;
    collecting_free(collecting);
    if (error)
        s3_respond_error(request, error, message);
    else if (verify(request, &claims, content))
        handler(request, content);
    buffer_free(&decoded);
}

static void collect(struct s3_request *request, size_t max, s3_body_handler *handler,
                    bool with_checksum)
{
    struct collecting *collecting = s3_operation(request, sizeof *collecting, collecting_free);
    if (!collecting || !claims_read(request, &collecting->claims, with_checksum) ||
        !s3_unframer_start(&collecting->unframer, request, &collecting->claims))
        return;
    collecting->request = request;
    collecting->handler = handler;
    http_call_collect(request->base->call, max, on_collected, collecting);
}

void s3_collect(struct s3_request *request, size_t max, s3_body_handler *handler)
{
    collect(request, max, handler, true);
}

void s3_collect_document(struct s3_request *request, size_t max, s3_body_handler *handler)
{
    collect(request, max, handler, false);
}
