/*
 * The server accepts the client's signatures and no others: any request is signed and verified,
 * then verified again with another method and with another signature. The canonical path and query
 * of a request for S3 are their own canonical form.
 */
#include "sigv4.h"

#include <strings.h>

#include "fuzz_request.h"
#include "hash.h"
#include "signature_check.h"

static const int64_t now = 1440938160; /* 2015-08-30 12:36:00 */
static const struct access_key key = {.access_key = "AKIDEXAMPLE",
                                      .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static const struct access_key_list keys = {.items = &key, .count = 1};

static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = (char)(name.data[i] | 0x20);
        if (!((c >= 'a' && c <= 'z') || (name.data[i] >= '0' && name.data[i] <= '9') ||
              name.data[i] == '-'))
            return false;
    }
    return name.size > 0;
}

static bool is_ours(struct slice name)
{
    static const char *const ours[] = {"host", "x-amz-date", "x-amz-content-sha256",
                                       "authorization"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (name.size == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.size) == 0)
            return true;
    }
    return false;
}

/* Leaves the headers that HTTP can carry and that are not added here. */
static void keep_good_headers(struct fuzz_request *request)
{
    size_t kept = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (is_token(request->headers[i].name) && !is_ours(request->headers[i].name))
            request->headers[kept++] = request->headers[i];
    }
    request->header_count = kept;
}

/* HTTP carries no NUL, and an encoded one is refused. */
static bool has_nul(struct slice text)
{
    return text.size && memchr(text.data, '\0', text.size);
}

static void check_canonical(struct sigv4_request request)
{
    struct buffer first, second;
    buffer_init(&first, 1 << 20);
    buffer_init(&second, 1 << 20);
    request.normalise_path = false;
    if (!sigv4_canonical_request(&request, &first)) {
        struct slice text = buffer_slice(&first);
        fuzz_line(&text);
        request.path = fuzz_line(&text);
        request.query = fuzz_line(&text);
        require(!sigv4_canonical_request(&request, &second));
        require(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
    buffer_free(&first);
    buffer_free(&second);
}

static enum signature_code verify(const struct fuzz_request *request, const char *hash)
{
    struct signed_request asked = {request->method, request->path, request->query, request->headers,
                                   request->header_count};
    struct signature_claim claim;
    enum signature_code code = signature_claim(&keys, &asked, now, &claim);
    return code ? code : signature_verify(&asked, &claim, hash);
}

static void check_verified(struct fuzz_request *request, const char *hash, struct buffer *header)
{
    size_t digit = header->size - 1;
    fuzz_request_add(request, "authorization", header->data);
    require(verify(request, hash) == SIGNATURE_OK);
    header->data[digit] = header->data[digit] == '0' ? '1' : '0';
    require(verify(request, hash) == SIGNATURE_MISMATCH);
    header->data[digit] = header->data[digit] == '0' ? '1' : '0';
    request->method = SLICE_LITERAL("ANOTHER");
    require(verify(request, hash) == SIGNATURE_MISMATCH);
}

static void sign(struct fuzz_request *request, const char *service, const char *hash)
{
    struct sigv4_scope scope = {"20150830T123600Z", "eu-west-1", service};
    struct sigv4_request wanted = {request->method,           request->path,         request->query,
                                   request->headers,          request->header_count, hash,
                                   strcmp(service, "s3") != 0};
    uint8_t signing_key[SIGV4_KEY_SIZE];
    char signature[SIGV4_HEX_SIZE];
    struct buffer names, header;
    check_canonical(wanted);
    buffer_init(&names, 2000);
    buffer_init(&header, 8192);
    sigv4_signing_key(key.secret_key, &scope, signing_key);
    if (!sigv4_signature(&wanted, &scope, signing_key, signature) &&
        !sigv4_signed_headers(&wanted, &names) &&
        !buffer_format(&header,
                       "AWS4-HMAC-SHA256 Credential=%s/20150830/eu-west-1/%s/aws4_request, "
                       "SignedHeaders=%s, Signature=%s",
                       key.access_key, service, names.data, signature))
        check_verified(request, hash, &header);
    buffer_free(&names);
    buffer_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    struct fuzz_request request;
    char hash[SIGV4_HEX_SIZE];
    const char *service = fuzz_choice(&in) % 2 ? "sqs" : "s3";
    fuzz_request_read(&request, in);
    if (slice_equal_text(request.method, "ANOTHER") || has_nul(request.path) ||
        has_nul(request.query))
        return 0;
    keep_good_headers(&request);
    sha256_hex(request.body.data, request.body.size, hash);
    fuzz_request_add(&request, "Host", "127.0.0.1:8080");
    fuzz_request_add(&request, "X-Amz-Date", "20150830T123600Z");
    fuzz_request_add(&request, "x-amz-content-sha256", hash);
    sign(&request, service, hash);
    return 0;
}
